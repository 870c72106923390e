"""Uploads voice applications, as an operation does."""

from collections.abc import Mapping

from calloff.db.pool import Pool
from calloff.operations.access import OPERATOR, to_deployment
from calloff.operations.voice import upload_application as upload
from calloff.voice.speech import Speech


async def upload_application(
    pool: Pool, deployment_id: int, vxml: bytes, recordings: Mapping[str, bytes], speech: Speech
) -> int:
    """Make it the deployment's application; returns its version."""
    return await upload(pool, await to_deployment(pool, OPERATOR, deployment_id), vxml, recordings, speech)
