"""Prompts on their way to the callee: they wait in a queue and are played when the application waits for keys."""

import logging
from dataclasses import dataclass

from calloff.voice.audio import UnusableAudio, silence
from calloff.voice.document import Audio, Break, Piece, Prompt, Say
from calloff.voice.expressions import Evaluator, Scopes
from calloff.voice.line import Line
from calloff.voice.recordings import ReadUpload, Recordings, RecordingUnavailable
from calloff.voice.speech import Speech

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Media:
    """Where sound and values come from, shared by the calls of a process."""

    speech: Speech
    recordings: Recordings
    evaluator: Evaluator


class PromptQueue:
    """The prompts of one call."""

    def __init__(self, line: Line, media: Media, scopes: Scopes, uploaded: ReadUpload, *, private: bool) -> None:
        """`private` keeps what values say out of the cache."""
        self._line = line
        self._media = media
        self._scopes = scopes
        self._uploaded = uploaded
        self._private = private
        self._waiting: list[tuple[bytes, bool]] = []

    async def add(self, prompt: Prompt) -> None:
        """Make the sound of `prompt` and queue it. Raises `ExpressionError` or `SpeechError`."""
        self._waiting.append((await self._sound(prompt.pieces, prompt.language), prompt.barge_in))

    async def play(self) -> None:
        """Play what waits; a key cuts off all the rest, unless its prompt says no (VoiceXML 2.0 section 4.1.5)."""
        waiting, self._waiting = self._waiting, []
        for sound, barge_in in waiting:
            if await self._line.play(sound, barge_in=barge_in):
                return

    async def play_out(self) -> None:
        """Play what waits to its end, whatever is pressed."""
        waiting, self._waiting = self._waiting, []
        for sound, _ in waiting:
            await self._line.play(sound, barge_in=False)

    async def _sound(self, pieces: tuple[Piece, ...], language: str) -> bytes:
        sound = b""
        words: list[str] = []
        keep = True
        for piece in pieces:
            if isinstance(piece, Say):
                words.append(piece.text)
            elif isinstance(piece, Audio | Break):
                sound += await self._speak(words, language, keep)
                words, keep = [], True
                sound += silence(piece.seconds) if isinstance(piece, Break) else await self._play(piece, language)
            else:
                words.append(await self._media.evaluator.text(self._scopes, piece.expr))
                keep = not self._private
        return sound + await self._speak(words, language, keep)

    async def _speak(self, words: list[str], language: str, keep: bool) -> bytes:
        return await self._media.speech.speak(" ".join(words), language, keep=keep) if words else b""

    async def _play(self, audio: Audio, language: str) -> bytes:
        try:
            return await self._media.recordings.sound(audio, self._uploaded)
        except (RecordingUnavailable, UnusableAudio) as error:
            log.warning("line %d of the application: %s", audio.line, error.message)
            return await self._sound(audio.instead, language)
