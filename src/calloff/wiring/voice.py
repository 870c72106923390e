"""What leads the connected calls of a dialer: applications, speech, recordings and expressions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.dialer.talk import Conversations
from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.voice.applications import Applications
from calloff.voice.cache import AudioCache
from calloff.voice.expressions import Evaluator
from calloff.voice.prompts import Media
from calloff.voice.recordings import Recordings
from calloff.voice.speech import Speech
from calloff.voice.web import Web

_SOUNDS = "sounds"


def speech_of(settings: Settings) -> Speech:
    """The voice of this machine."""
    return Speech.of_this_machine(AudioCache(settings.data_dir / _SOUNDS), settings.piper_voice)


@asynccontextmanager
async def conversations(settings: Settings, pool: Pool) -> AsyncIterator[Conversations]:
    """Everything that a dialer process needs to talk, with its cache of sounds in the data directory."""
    cache = AudioCache(settings.data_dir / _SOUNDS)
    client = Client(Guard(settings.allowed_networks))
    web = Web(client)
    media = Media(Speech.of_this_machine(cache, settings.piper_voice), Recordings(cache, web), Evaluator(), web)
    try:
        yield Conversations(Applications(pool), media)
    finally:
        await client.close()
        await media.speech.stop()
        await media.evaluator.stop()
