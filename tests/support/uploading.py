"""Publishes messages, as operations do."""

from collections.abc import Mapping

from calloff.db.pool import Pool
from calloff.operations.access import OPERATOR, to_deployment
from calloff.operations.messages import publish_message, save_message
from calloff.voice.messages import Draft
from calloff.voice.speech import Speech


async def upload_application(
    pool: Pool, deployment_id: int, vxml: bytes, recordings: Mapping[str, bytes], speech: Speech
) -> int:
    """Make it what the deployment's calls hear; returns its version."""
    place = await to_deployment(pool, OPERATOR, deployment_id)
    saved = await save_message(pool, place, "greeting", Draft(vxml, recordings), speech)
    await publish_message(pool, place, "greeting")
    return saved.version.version
