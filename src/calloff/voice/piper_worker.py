"""Speaks with a Piper voice, as a process beside Calloff: Piper's licence is the GPL; nothing of Calloff is in here.

A JSON line in (`text`, `speed`), a JSON line out (`rate`, `bytes`, or `error`), and so many bytes of samples.
"""

import json
import sys


def main() -> None:
    """Answer requests until standard input ends."""
    import os

    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(sys.argv[1])
    # Whatever libraries print must not come between the answers.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    output.write(b"{}\n")
    output.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            settings = SynthesisConfig(length_scale=1 / request["speed"])
            chunks = list(voice.synthesize(request["text"], settings))
            sound = b"".join(chunk.audio_int16_bytes for chunk in chunks)
            rate = chunks[0].sample_rate if chunks else 8000
            head = {"rate": rate, "bytes": len(sound)}
        except Exception as error:
            sound, head = b"", {"error": type(error).__name__}
        output.write(json.dumps(head).encode() + b"\n" + sound)
        output.flush()


if __name__ == "__main__":
    main()
