"""Publishes messages, as operations do."""

from collections.abc import Mapping

from calloff.db.pool import Pool
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from calloff.lists.bulk import SharedFields, StagedRow, Upload
from calloff.operations.access import OPERATOR, to_deployment
from calloff.operations.messages import publish_message, save_message
from calloff.voice.messages import Draft, find_version, keep_version, publish
from calloff.voice.parser import parse_document
from calloff.voice.speech import Speech


async def upload_application(
    pool: Pool, deployment_id: int, vxml: bytes, recordings: Mapping[str, bytes], speech: Speech
) -> int:
    """Make it what the deployment's calls hear; returns its version."""
    place = await to_deployment(pool, OPERATOR, deployment_id)
    saved = await save_message(pool, place, "greeting", Draft(vxml, recordings), speech)
    await publish_message(pool, place, "greeting")
    return saved.version.version


async def publish_document(pool: Pool, deployment_id: int, name: str, vxml: bytes) -> None:
    """Make it the newest version of a message that the deployment's calls hear, without an entry in the audit log."""
    application_id = (await to_deployment(pool, OPERATOR, deployment_id)).application_id
    async with pool.connection() as connection:
        draft = Draft(vxml)
        await keep_version(connection, application_id, name, draft, parse_document(vxml), None)
        await publish(connection, deployment_id, await find_version(connection, application_id, name))


async def queue_small_list(pool: Pool, deployment_id: int) -> int:
    """Queue a list of two calls, without an entry in the audit log; returns its ID."""
    assert isinstance(pool.conninfo, str)
    async with Upload.open(pool.conninfo, deployment_id, None) as upload:
        await upload.stage([StagedRow(line, parse_destination(f"+1617555123{line}"), {}) for line in (1, 2)])
        totals = await upload.queue(SharedFields(Schedule(), None, False, {}), b"", origin="test")
    assert totals.list_id is not None
    return totals.list_id
