"""The process that decodes one recording: the file on standard input, sound for a trunk on standard output."""

import resource
import sys

from calloff.voice.audio import MAX_RECORDING_BYTES, UnusableAudio, decode_sound

_BYTES = 1024 * 1024 * 1024
_CPU_SECONDS = 30
REFUSED = 3
"""Exit code with which standard error says what is wrong with the recording."""


def main() -> int:
    """Decode within limits that the kernel keeps."""
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sound = decode_sound(sys.stdin.buffer.read(MAX_RECORDING_BYTES + 1))
    except UnusableAudio as error:
        sys.stderr.write(error.message)
        return REFUSED
    sys.stdout.buffer.write(sound)
    return 0


if __name__ == "__main__":
    sys.exit(main())
