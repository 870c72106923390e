"""The last words to a callee whose application cannot go on."""

import asyncio
import logging

from calloff.domain.errors import CalloffError
from calloff.voice.audio import beeps
from calloff.voice.closings import closing
from calloff.voice.content import Manner
from calloff.voice.line import HungUp, Line
from calloff.voice.outcome import CallInfo
from calloff.voice.prompts import PromptQueue
from calloff.voice.speech import Speech

_QUEUED = 20.0
"""Seconds in which what is queued has to be said."""
_CLOSING = 20.0

log = logging.getLogger("calloff.application")


async def say_goodbye(line: Line, queue: PromptQueue | None, speech: Speech, call: CallInfo, language: str) -> None:
    """Say what is queued, and a closing sentence; where nothing can be spoken, three beeps. Raises `HungUp`."""
    if queue is not None:
        try:
            async with asyncio.timeout(_QUEUED):
                await queue.play_out()
        except HungUp:
            raise
        except Exception as error:
            log.warning("call %s: what was queued could not be said (%s)", call.id, type(error).__name__)
    sentence, spoken = closing(language, call.closings)
    try:
        async with asyncio.timeout(_CLOSING):
            sound = await speech.speak(sentence, Manner(spoken), keep=True)
    except (CalloffError, TimeoutError) as error:
        log.warning("call %s: the closing sentence could not be spoken (%s)", call.id, type(error).__name__)
        sound = beeps()
    await line.play(sound, barge_in=False)


async def end_without_environment(line: Line, speech: Speech, call: CallInfo, language: str) -> bool:
    """Say goodbye on a call whose application could not even begin; False if the callee has hung up."""
    try:
        await say_goodbye(line, None, speech, call, language)
    except HungUp:
        return False
    return True
