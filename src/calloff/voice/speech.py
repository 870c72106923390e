"""Speaks text: with a Piper voice where one is configured, else with espeak-ng where it is installed."""

import asyncio
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy

from calloff.domain.errors import CalloffError, NotConfigured
from calloff.voice.audio import decode_wav, for_trunk
from calloff.voice.cache import AudioCache
from calloff.voice.document import Document
from calloff.voice.problems import ApplicationError, Problem

MAX_TEXT = 5000
"""Longest text of one prompt, in characters."""
_SECONDS = 30.0

NO_VOICE = (
    "There is no voice on this machine, so text cannot be spoken; install espeak-ng, or calloff[piper] with a voice,"
    " or use <audio> with recordings only."
)


class SpeechError(CalloffError):
    """Text could not be spoken."""


class Espeak:
    """espeak-ng as a program: small, fast, more than 100 languages."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.name = "espeak-ng"
        self._voices: frozenset[str] | None = None

    async def supports(self, language: str) -> bool:
        """Whether it speaks `language` (BCP 47, such as `en-US`), or at least the same language of another region."""
        return await self._voice(language) is not None

    async def speak(self, text: str, language: str) -> bytes:
        """`text` as sound for a trunk. Raises `SpeechError`."""
        voice = await self._voice(language)
        if voice is None:
            raise SpeechError(f"espeak-ng has no voice for the language {language!r}; correct xml:lang.")
        wav = await self._run(["-v", voice, "-b", "1", "--stdin", "--stdout"], text.encode())
        return await asyncio.to_thread(decode_wav, wav)

    async def _voice(self, language: str) -> str | None:
        if self._voices is None:
            lines = (await self._run(["--voices"], b"")).decode(errors="replace").splitlines()
            self._voices = frozenset(line.split()[1].lower() for line in lines[1:] if len(line.split()) > 1)
        wanted = language.lower()
        primary = wanted.partition("-")[0]
        regional = sorted(voice for voice in self._voices if voice.startswith(primary + "-"))
        candidates = [wanted, *([primary] if primary in self._voices else regional[:1])]
        return next((voice for voice in candidates if voice in self._voices), None)

    async def _run(self, arguments: list[str], text: bytes) -> bytes:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            self._program, *arguments, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(_SECONDS):
                output, _ = await process.communicate(text)
        except TimeoutError:
            raise SpeechError(f"espeak-ng took longer than {_SECONDS:.0f} s; shorten the text.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not output:
            raise SpeechError("espeak-ng failed; run it by hand to see why.")
        return output


class Piper:
    """A Piper voice: sounds more natural, needs `calloff[piper]` and a voice's .onnx file with its .onnx.json."""

    def __init__(self, model: Path) -> None:
        """Loads the voice. Raises `NotConfigured`."""
        try:
            from piper import PiperVoice
        except ImportError:
            raise NotConfigured("A Piper voice is configured; install calloff[piper] to use it.") from None
        try:
            self._piper: Any = PiperVoice.load(model)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise NotConfigured(f"The Piper voice {model.name} cannot be loaded; check its files.") from error
        self.name = f"piper {model.name} {model.stat().st_mtime_ns}"
        self._one_at_a_time = threading.Lock()

    async def supports(self, _language: str) -> bool:
        """A Piper voice has one language, and speaks everything in it."""
        return True

    async def speak(self, text: str, _language: str) -> bytes:
        """`text` as sound for a trunk. Raises `SpeechError`."""
        try:
            return await asyncio.to_thread(self._synthesize, text)
        except (RuntimeError, ValueError) as error:
            raise SpeechError("The Piper voice failed on a text; try another voice.") from error

    def _synthesize(self, text: str) -> bytes:
        with self._one_at_a_time:
            chunks = [(chunk.audio_int16_array, chunk.sample_rate) for chunk in self._piper.synthesize(text)]
        if not chunks:
            return b""
        return for_trunk(numpy.concatenate([samples for samples, _ in chunks]), chunks[0][1])


class Speech:
    """Speaks, and keeps what was spoken in a cache."""

    def __init__(self, engine: Espeak | Piper | None, cache: AudioCache) -> None:
        self.engine = engine
        self._cache = cache

    @classmethod
    def of_this_machine(cls, cache: AudioCache, piper_voice: Path | None = None) -> "Speech":
        """Piper if a voice is given, else espeak-ng if it is installed, else nothing. Raises `NotConfigured`."""
        if piper_voice is not None:
            return cls(Piper(piper_voice), cache)
        program = shutil.which("espeak-ng")
        return cls(None if program is None else Espeak(program), cache)

    async def speak(self, text: str, language: str, *, keep: bool) -> bytes:
        """`text` as sound for a trunk; `keep` says whether it may be kept in the cache. Raises `SpeechError`."""
        engine = self.engine
        if engine is None:
            raise SpeechError(NO_VOICE)
        if len(text) > MAX_TEXT:
            raise SpeechError(f"A prompt has more than {MAX_TEXT} characters; split it.")
        readable = "".join(character if character.isprintable() else " " for character in text)
        # Two brackets would make espeak-ng read phoneme names.
        readable = readable.replace("[[", "[ [")
        if not any(character.isalnum() for character in readable):
            return b""
        if not keep:
            return await engine.speak(readable, language)
        return await self._cache.get((engine.name, language, readable), lambda: engine.speak(readable, language))


async def check_speakable(document: Document, speech: Speech) -> None:
    """Raises `ApplicationError` if `document` has text that this machine cannot speak."""
    spoken = document.speech
    if spoken and speech.engine is None:
        raise ApplicationError([Problem(spoken[0][1].line, "prompt", NO_VOICE)])
    if speech.engine is None:
        return
    missing = [
        lang for lang in _unique(prompt.language for prompt, _ in spoken) if not await speech.engine.supports(lang)
    ]
    problems = [
        Problem(piece.line, "prompt", f"There is no voice for the language {prompt.language!r}; correct xml:lang.")
        for prompt, piece in spoken
        if prompt.language in missing
    ]
    if problems:
        raise ApplicationError(problems)


def _unique(languages: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(languages))
