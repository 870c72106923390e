"""Nobody is called who would hear nothing, or a message with a hole: found out when the call is queued."""

import pytest

from calloff.calls.claim import due_queues
from calloff.calls.hearing import NoMessage
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.errors import InvalidInput
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from calloff.lists.bulk import SharedFields, Totals, Upload
from calloff.lists.staging import Staging
from tests.integration.calls.lab import Lab
from tests.support.seed import Seed, seed
from tests.support.uploading import publish_document

_GREETING = b"""<vxml version="2.1"><meta name="variable.clinic" content="the clinic"/>
    <form><block><log expr="first_name + clinic + typeof nickname"/></block></form></vxml>"""
_NUMBER = parse_destination("+16175551234")


async def queue_list(pool: Pool, seeded: Seed, csv: str, **shared: str) -> Totals:
    """Queue a list as an upload does."""
    conninfo = pool.conninfo
    assert isinstance(conninfo, str)
    async with Upload.open(conninfo, seeded.deployment_id, None) as upload:
        async with Staging(upload) as staging:
            await staging.feed(csv.encode())
            await staging.finish()
        return await upload.queue(SharedFields(Schedule(), None, False, shared), b"")


async def count(pool: Pool) -> int:
    """How many calls there are."""
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT count(*) AS calls FROM call")).fetchone()
    assert row is not None
    return int(row["calls"])


async def test_a_list_without_a_column_that_the_message_reads_is_refused_by_name(pool: Pool) -> None:
    seeded = await seed(pool)
    await publish_document(pool, seeded.deployment_id, "greeting", _GREETING)
    with pytest.raises(InvalidInput, match=r"reads first_name, which the list has no column of\.") as refused:
        await queue_list(pool, seeded, "destination,name\n+16175551234,Ann\n+16175551235,Ben\n")
    assert "clinic" not in refused.value.message
    assert await count(pool) == 0
    queued = await queue_list(pool, seeded, "destination,first_name\n+16175551234,Ann\n12,Ben\n")
    assert (queued.queued, queued.rejected) == (1, 1)
    # What holds for all of them is a variable of each.
    assert (await queue_list(pool, seeded, "destination\n+16175551234\n", first_name="you")).queued == 1


async def test_a_call_without_a_variable_that_the_message_reads_is_refused_by_name(pool: Pool) -> None:
    seeded = await seed(pool)
    await publish_document(pool, seeded.deployment_id, "greeting", _GREETING)
    for variables in (None, {"name": "Ann"}):
        with pytest.raises(InvalidInput, match=r"reads first_name, which the call does not have\."):
            await submit(pool, seeded.deployment_id, NewCall(_NUMBER, variables=variables))
    assert await count(pool) == 0
    await submit(pool, seeded.deployment_id, NewCall(_NUMBER, variables={"first_name": "Ann"}))
    assert await count(pool) == 1


async def test_a_real_trunk_without_a_message_takes_and_dials_nothing(lab: Lab) -> None:
    call_id = await lab.submit()
    await lab.do("UPDATE trunk SET kind = 'sip'")
    seeded = await seed(lab.pool)
    await lab.do("UPDATE trunk SET kind = 'sip'")
    with pytest.raises(NoMessage):
        await lab.submit()
    with pytest.raises(NoMessage):
        await queue_list(lab.pool, seeded, "destination\n+16175551234\n")
    assert await due_queues(lab.pool) == []
    assert await lab.claim() == []
    await publish_document(lab.pool, lab.deployment_id, "greeting", b'<vxml version="2.1"><form><block/></form></vxml>')
    assert [queue.deployment_id for queue in await due_queues(lab.pool)] == [lab.deployment_id]
    assert [call.claim.call_id for call in await lab.claim()] == [call_id]
