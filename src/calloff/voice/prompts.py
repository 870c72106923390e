"""Prompts on their way to the callee: they wait in a queue and are played when the application waits for keys."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from calloff.domain.errors import CalloffError
from calloff.voice.audio import UnusableAudio, silence
from calloff.voice.content import Audio, Break, Enumerate, Manner, Piece, Prompt, Repeat, Say, SayAs, SayValue
from calloff.voice.document import Choice
from calloff.voice.events import Event
from calloff.voice.expressions import Environment, Evaluator, ExpressionError
from calloff.voice.line import Line
from calloff.voice.loader import ReadUpload
from calloff.voice.properties import PropertyChain
from calloff.voice.recordings import Recordings, RecordingUnavailable
from calloff.voice.say_as import say_as
from calloff.voice.sentences import sentences
from calloff.voice.speech import Speech
from calloff.voice.web import Web, resolve

MAX_PIECES = 1000
"""What one prompt may consist of, once its lists are written out."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Media:
    """Where sound and values come from, shared by the calls of a process."""

    speech: Speech
    recordings: Recordings
    evaluator: Evaluator
    web: Web


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is spoken in one manner."""

    text: str
    manner: Manner
    keep: bool
    """Whether its sound may be kept."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound that is being made."""

    sound: asyncio.Task[bytes]
    barge_in: bool
    prompt: Prompt


class PromptQueue:
    """The prompts of one call."""

    def __init__(
        self, line: Line, media: Media, environment: Environment, uploaded: ReadUpload, *, private: bool
    ) -> None:
        """`private` keeps what values say out of the cache."""
        self._line = line
        self._media = media
        self._environment = environment
        self._uploaded = uploaded
        self._private = private
        self._waiting: list[Clip] = []
        self.timeout: float | None = None
        """Seconds for keys that the last prompt said; None if it said nothing."""
        self.lost: Prompt | None = None
        """The first prompt of which a recording could not be had, and nothing could be said instead."""
        self.has_played = False
        """Whether anything was heard yet."""

    def close(self) -> None:
        """Stop making what nobody will hear."""
        for clip in self._waiting:
            clip.sound.cancel()
        self._waiting.clear()

    async def add(self, prompt: Prompt, properties: PropertyChain, choices: Sequence[Choice] = ()) -> None:
        """Begin to make the sound of `prompt`, and queue it. Raises `ExpressionError`, or an `Event`."""
        barge_in = properties.barge_in if prompt.barge_in is None else prompt.barge_in
        pieces = await self._written_out(prompt.pieces, choices)
        for part in await self._parts(pieces, properties):
            self._queue(prompt, part, barge_in)
        self.timeout = prompt.timeout

    async def play(self) -> None:
        """Play what waits; a key cuts off what follows, but for prompts that say no (VoiceXML 2.0 section 4.1.5).

        Raises the event `error.noresource` if text cannot be spoken.
        """
        cut = False
        while self._waiting:
            clip = self._waiting.pop(0)
            if cut and clip.barge_in:
                clip.sound.cancel()
                continue
            # A prompt that is heard out forgets the keys of before (section 4.1.8), so what follows is said again.
            cut = await self._line.play(await self._sound(clip), barge_in=clip.barge_in)

    async def play_out(self) -> None:
        """Play what waits to its end, whatever is pressed. Raises as `play` does."""
        while self._waiting:
            await self._line.play(await self._sound(self._waiting.pop(0)), barge_in=False)

    async def _sound(self, clip: Clip) -> bytes:
        try:
            sound = await clip.sound
        except CalloffError as error:
            raise Event("error.noresource", error.message, line=clip.prompt.line, element="prompt") from None
        if any(sound):
            self.has_played = True
        return sound

    def _queue(self, prompt: Prompt, part: "Words | Break | Audio", barge_in: bool) -> None:
        urgency = len(self._waiting)
        if isinstance(part, Words):
            making = self._media.speech.speak(part.text, part.manner, keep=part.keep, urgency=urgency)
            sound = asyncio.create_task(making)
        elif isinstance(part, Break):
            sound = asyncio.create_task(_silence(part.seconds))
        else:
            sound = asyncio.create_task(self._recording(part, prompt))
        sound.add_done_callback(_look_at)
        self._waiting.append(Clip(sound, barge_in, prompt))

    async def _recording(self, audio: Audio, prompt: Prompt) -> bytes:
        address, _ = resolve(audio.base, audio.source or "")
        try:
            return await self._media.recordings.sound(address, self._uploaded)
        except (RecordingUnavailable, UnusableAudio) as error:
            log.warning("line %d of the application: %s", audio.line, error.message)
        instead = [part for part in await self._parts(audio.instead, PropertyChain()) if not isinstance(part, Audio)]
        sound = b""
        for part in await self._parts(audio.instead, PropertyChain()):
            if isinstance(part, Words):
                sound += await self._media.speech.speak(part.text, part.manner, keep=part.keep)
            elif isinstance(part, Break):
                sound += silence(part.seconds)
            else:
                sound += await self._recording(part, prompt)
        if not instead and not sound and self.lost is None:
            self.lost = prompt
        return sound

    async def _written_out(self, pieces: Sequence[Piece], choices: Sequence[Choice]) -> tuple[Piece, ...]:
        """The pieces with values, lists and computed addresses replaced by what they are now."""
        out: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, SayValue):
                text = await self._environment.text(piece.expr)
                # A variable without a value says nothing.
                out.append(Value(piece.line, text or "", piece.manner, piece.as_))
            elif isinstance(piece, Repeat):
                out += await self._repeated(piece, choices)
            elif isinstance(piece, Enumerate):
                out += await self._enumerated(piece, choices)
            elif isinstance(piece, Audio):
                out += await self._audio(piece, choices)
            else:
                out.append(piece)
            if len(out) > MAX_PIECES:
                raise ExpressionError(f"A prompt has more than {MAX_PIECES} parts; shorten its lists.")
        return tuple(out)

    async def _audio(self, audio: Audio, choices: Sequence[Choice]) -> Sequence[Piece]:
        instead = await self._written_out(audio.instead, choices)
        source = audio.source
        if audio.expr is not None:
            source = await self._environment.text(audio.expr)
            if source is None:
                return instead
        return [Audio(audio.line, source, None, instead, audio.base)]

    async def _repeated(self, piece: Repeat, choices: Sequence[Choice]) -> Sequence[Piece]:
        out: list[Piece] = []
        for index in range(min(await self._environment.length(piece.array), MAX_PIECES)):
            await self._environment.element(piece.item, piece.array, index)
            out += await self._written_out(piece.pieces, choices)
        return out

    async def _enumerated(self, piece: Enumerate, choices: Sequence[Choice]) -> Sequence[Piece]:
        out: list[Piece] = []
        for choice in choices:
            if choice.key is None:
                continue
            words = " ".join(each.text for each in choice.words if isinstance(each, Say))
            if piece.pieces:
                await self._environment.set("anonymous", "_prompt", words)
                await self._environment.set("anonymous", "_dtmf", choice.key)
                out += await self._written_out(piece.pieces, choices)
            else:
                out += [*choice.words, Say(piece.line, f": {choice.key}.", piece.manner)]
        return out

    async def _parts(self, pieces: Sequence[Piece], properties: PropertyChain) -> list[Words | Break | Audio]:
        """What has to be made one by one: sentences, silence and recordings."""
        parts: list[Words | Break | Audio] = []
        run: list[Say] = []

        def speak() -> None:
            parts.extend(spoken_words(run, properties, private=self._private))
            run.clear()

        for piece in pieces:
            if isinstance(piece, Say):
                if run and run[0].manner != piece.manner:
                    speak()
                run.append(piece)
            elif isinstance(piece, Break | Audio):
                speak()
                parts.append(piece)
        speak()
        return parts


class Value(Say):
    """A value as the text that is spoken."""

    __slots__ = ()

    def __init__(self, line: int, text: str, manner: Manner, as_: SayAs | None) -> None:
        super().__init__(line, text if as_ is None else say_as(text, as_, manner.language), manner, as_)


def spoken_words(said: Sequence[Say], properties: PropertyChain, *, private: bool) -> list[Words]:
    """The sentences of what is said in one manner; those that hold a value of a private call are not kept."""
    if not said:
        return []
    manner = _manner(said[0].manner, properties)
    texts = [(each.text, isinstance(each, Value)) for each in said]
    return [Words(text, manner, keep=not (private and has_value)) for text, has_value in sentences(texts)]


def _manner(manner: Manner, properties: PropertyChain) -> Manner:
    """The manner with the voice and the speed that the properties set for a whole message."""
    voice = manner.voice or properties.voice or None
    return replace(manner, voice=voice, speed=manner.speed * properties.speed)


async def _silence(seconds: float) -> bytes:
    return silence(seconds)


def _look_at(task: asyncio.Task[bytes]) -> None:
    """A clip that nobody hears may have failed; what is heard is told by whoever awaits it."""
    with suppress(asyncio.CancelledError):
        task.exception()
