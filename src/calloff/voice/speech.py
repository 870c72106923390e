"""Speaks text: each language with the first engine that has it, each sentence once, the most urgent first."""

import asyncio
import itertools
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from calloff.voice.cache import AudioCache
from calloff.voice.content import Manner
from calloff.voice.document import Document
from calloff.voice.engines import Engine, Espeak, Piper, SpeechError, bundled_voice
from calloff.voice.problems import ApplicationError, Problem

MAX_TEXT = 5000
"""Longest sentence, in characters."""

NO_VOICE = (
    "There is no voice on this machine, so text cannot be spoken; install espeak-ng or calloff[voice-en],"
    " or use <audio> with recordings only."
)


class _Queue:
    """What waits for one engine; whoever waits holds no thread and no lock meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: asyncio.PriorityQueue[tuple[int, int, str, Manner, asyncio.Future[bytes]]] = (
            asyncio.PriorityQueue()
        )
        self._numbers = itertools.count()
        self._workers: list[asyncio.Task[None]] = []

    async def speak(self, text: str, manner: Manner, urgency: int) -> bytes:
        if not self._workers:
            self._workers = [asyncio.create_task(self._work()) for _ in range(self._engine.at_once)]
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((urgency, next(self._numbers), text, manner, done))
        return await done

    async def stop(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()

    async def _work(self) -> None:
        while True:
            _, _, text, manner, done = await self._waiting.get()
            if done.done():
                continue
            try:
                sound = await self._engine.speak(text, manner)
            except asyncio.CancelledError:
                done.cancel()
                raise
            except Exception as error:
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(sound)


class Speech:
    """Speaks, and keeps what was spoken in a cache; `await stop()` at the end."""

    def __init__(self, engines: Sequence[Engine], cache: AudioCache) -> None:
        """`engines` in the order of preference."""
        self.engines = tuple(engines)
        self._queues = {engine.name: _Queue(engine) for engine in self.engines}
        self._cache = cache

    @classmethod
    def of_this_machine(cls, cache: AudioCache, voice: Path | None = None) -> "Speech":
        """The Piper voice that is given, else that of `calloff[voice-en]`; and espeak-ng if it is installed.

        Raises `NotConfigured`.
        """
        model = voice or bundled_voice()
        engines: list[Engine] = [] if model is None else [Piper(model)]
        program = shutil.which("espeak-ng")
        if program is not None:
            engines.append(Espeak(program))
        return cls(engines, cache)

    async def stop(self) -> None:
        """End what speaks; a second call does nothing."""
        for queue in self._queues.values():
            await queue.stop()
        for engine in self.engines:
            await engine.stop()

    async def engine_for(self, language: str) -> Engine | None:
        """The engine that speaks a language."""
        for engine in self.engines:
            if await engine.supports(language):
                return engine
        return None

    async def speak(self, text: str, manner: Manner, *, keep: bool, urgency: int = 0) -> bytes:
        """`text` as sound for a trunk; `keep` says whether it may be kept in the cache.

        What has the least `urgency` is spoken first. Raises `SpeechError`.
        """
        if len(text) > MAX_TEXT:
            raise SpeechError(f"A sentence has more than {MAX_TEXT} characters; split it.")
        readable = "".join(character if character.isprintable() else " " for character in text)
        # Two brackets would make espeak-ng read phoneme names.
        readable = readable.replace("[[", "[ [")
        if not any(character.isalnum() for character in readable):
            return b""
        engine = await self.engine_for(manner.language)
        if engine is None:
            raise SpeechError(NO_VOICE if not self.engines else f"There is no voice for {manner.language!r}.")
        queue = self._queues[engine.name]
        if not keep:
            return await queue.speak(readable, manner, urgency)
        return await self._cache.get(
            (engine.name, repr(manner), readable), lambda: queue.speak(readable, manner, urgency)
        )


async def check_speakable(document: Document, speech: Speech) -> None:
    """Raises `ApplicationError` if `document` has text that this machine cannot speak."""
    spoken = document.speech
    if spoken and not speech.engines:
        raise ApplicationError([Problem(spoken[0].line, "prompt", NO_VOICE)])
    languages = _unique(piece.manner.language for piece in spoken)
    missing = [language for language in languages if await speech.engine_for(language) is None]
    problems = [
        Problem(
            piece.line, "prompt", f"There is no voice for the language {piece.manner.language!r}; correct xml:lang."
        )
        for piece in spoken
        if piece.manner.language in missing
    ]
    if problems:
        raise ApplicationError(problems)


def _unique(languages: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(languages))
