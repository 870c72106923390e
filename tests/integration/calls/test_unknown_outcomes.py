"""What the server did not confirm is never taken for success (promise S5)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from psycopg.conninfo import make_conninfo

from calloff.calls.cancel import cancel_call, cancel_pending, pause, resume
from calloff.calls.claim import Claim
from calloff.calls.idempotency import IdempotencyKey
from calloff.calls.settle import Ending, settle, withdraw
from calloff.calls.submit import submit, submit_once
from calloff.db.pool import Pool, open_pool
from calloff.domain.calls import NewCall
from calloff.domain.errors import OutcomeUnknown
from calloff.domain.phone import Destination
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.lists.bulk import SharedFields, StagedRow, Upload
from tests.integration.calls.lab import WAIT, Lab, as_pool, open_connection, start, until_waiting
from tests.support.servers import SessionServer, execute, new_database

Change = Callable[[Pool, Lab, Claim, Claim], Awaitable[object]]
"""One change that has to be certain, of a claimed call or of a dialing one."""

CHANGES: dict[str, Change] = {
    "cancel": lambda pool, lab, claimed, dialing: cancel_pending(pool, lab.deployment_id, user_id=None, origin="test"),
    "cancel one": lambda pool, lab, claimed, dialing: cancel_call(pool, lab.deployment_id, claimed.call_id),
    "pause": lambda pool, lab, claimed, dialing: pause(pool, lab.deployment_id),
    "start": lambda pool, lab, claimed, dialing: start(pool, lab.deployment_id, [claimed]),
    "submit": lambda pool, lab, claimed, dialing: submit(pool, lab.deployment_id, NewCall(Destination("6175551234"))),
    "settle": lambda pool, lab, claimed, dialing: settle(
        pool, lab.deployment_id, [Ending(dialing, Result.BUSY, ago=0)]
    ),
    "withdraw": lambda pool, lab, claimed, dialing: withdraw(pool, lab.deployment_id, [dialing], wait=0),
}


async def end_whoever_waits(lab: Lab, waiting_for: str, how: str) -> None:
    """Cancel or terminate the backend that waits for that, once there is one."""
    async with asyncio.timeout(WAIT):
        while not await lab.rows(
            f"SELECT {how}(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = %s",
            waiting_for,
        ):
            pass


# The connection is cut


@pytest.mark.parametrize("how", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_a_cancel_that_was_cut_off_while_it_waited_is_unknown_and_has_changed_nothing(lab: Lab, how: str) -> None:
    call_id = await lab.submit()
    async with open_connection(lab.url) as holder, holder.transaction():
        await start(as_pool(holder), lab.deployment_id, [await lab.claimed()])
        canceling = asyncio.create_task(cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test"))
        await end_whoever_waits(lab, "advisory", how)
        with pytest.raises(OutcomeUnknown, match="did not confirm"):
            await canceling
    assert (await lab.status(call_id)).status == "queued"
    assert await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test") == 1
    assert (await lab.status(call_id)).status == "canceled"


@pytest.mark.parametrize("how", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_a_start_that_was_cut_off_while_it_waited_is_unknown_and_can_be_given_back(lab: Lab, how: str) -> None:
    claimed = await lab.claimed()
    async with open_connection(lab.url) as holder, holder.transaction():
        await pause(as_pool(holder), lab.deployment_id)
        starting = asyncio.create_task(start(lab.pool, lab.deployment_id, [claimed]))
        await end_whoever_waits(lab, "advisory", how)
        with pytest.raises(OutcomeUnknown):
            await starting
    assert await lab.state(claimed.call_id) == "claimed"
    assert await withdraw(lab.pool, lab.deployment_id, [claimed], wait=0)


async def test_a_start_that_comes_through_after_its_dialer_gave_the_call_back_starts_nothing(lab: Lab) -> None:
    """The client saw the connection break; the server did not, and goes on as soon as it has the lock."""
    claimed = await lab.claimed()
    async with open_connection(lab.url) as holder, open_connection(lab.url) as forgotten:
        async with holder.transaction():
            await pause(as_pool(holder), lab.deployment_id)
            starting = asyncio.create_task(start(as_pool(forgotten), lab.deployment_id, [claimed]))
            await until_waiting(lab, forgotten, "advisory", starting)
            assert await withdraw(lab.pool, lab.deployment_id, [claimed], wait=0)
            await holder.execute("UPDATE queue SET paused_at = NULL")
        assert await asyncio.wait_for(starting, WAIT) == set()
    row = await lab.row(claimed.call_id)
    assert (row["state"], row["attempts"]) == ("queued", 0)


async def test_a_database_that_is_away_is_an_unknown_outcome(lab: Lab) -> None:
    claimed, dialing = await lab.claimed(), await lab.dialing()
    nowhere = await open_pool(lab.url, min_size=1, max_size=1)
    await nowhere.close()
    for change in CHANGES.values():
        with pytest.raises(OutcomeUnknown):
            await change(nowhere, lab, claimed, dialing)


@pytest.mark.parametrize("how", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_a_call_whose_key_was_not_kept_is_not_queued_and_can_be_asked_for_again(lab: Lab, how: str) -> None:
    call, key = NewCall(Destination("6175551234")), IdempotencyKey(lab.deployment_id, "a")
    async with open_connection(lab.url) as holder, holder.transaction(force_rollback=True):
        # The call is inserted by the time that its key waits for this one.
        await holder.execute(
            "INSERT INTO idempotency_key (deployment_id, key, fingerprint, call_ids) VALUES (%s, 'a', %s, '{1}')",
            (lab.deployment_id, bytes(32)),
        )
        asking = asyncio.create_task(submit_once(lab.pool, call, key, bytes(32)))
        await end_whoever_waits(lab, "transactionid", how)
        with pytest.raises(OutcomeUnknown):
            await asyncio.wait_for(asking, WAIT)
    assert await lab.counted() == {}
    queued = {await submit_once(lab.pool, call, key, bytes(32)) for _ in range(3)}
    assert len(queued) == 1
    assert await lab.counted() == {("queued", ""): 1}


async def test_a_key_is_good_for_a_day(lab: Lab) -> None:
    call, key = NewCall(Destination("6175551234")), IdempotencyKey(lab.deployment_id, "a")
    first = await submit_once(lab.pool, call, key, bytes(32))
    await lab.do("UPDATE idempotency_key SET created_at = now() - interval '23 hours 59 minutes'")
    assert await submit_once(lab.pool, call, key, bytes(32)) == first
    await lab.do("UPDATE idempotency_key SET created_at = now() - interval '24 hours 1 minute'")
    second = await submit_once(lab.pool, call, key, b"1" * 32)
    assert second != first
    assert await submit_once(lab.pool, call, key, b"1" * 32) == second


# The standby does not answer


@pytest.fixture(scope="module")
def lonely_server() -> Iterator[str]:
    """The address of a server that waits for a standby that is not there; who comes by this address does not wait."""
    server = SessionServer()
    try:
        server.start()
        execute(server.url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        execute(server.url, "SELECT pg_reload_conf()")
        yield make_conninfo(server.url, options="-c synchronous_commit=local")
    finally:
        server.stop()


@pytest.fixture
async def lonely(lonely_server: str) -> AsyncIterator[tuple[Lab, Pool]]:
    """A lab that does not wait for the standby, and a pool that does."""
    with new_database(lonely_server) as url:
        patient = await open_pool(url, min_size=1, max_size=4)
        waiting = await open_pool(make_conninfo(url, options=""), min_size=1, max_size=2)
        yield await Lab.open(url, patient), waiting
        await waiting.close()
        await patient.close()


@pytest.mark.parametrize(
    ("how", "message"), [("pg_cancel_backend", "did not replicate"), ("pg_terminate_backend", "did not confirm")]
)
async def test_a_change_that_was_not_replicated_is_unknown_though_it_was_made(
    lonely: tuple[Lab, Pool], how: str, message: str
) -> None:
    lab, waiting = lonely
    for change in CHANGES.values():
        await resume(lab.pool, lab.deployment_id)
        claimed, dialing = await lab.claimed(), await lab.dialing()
        before = await everything(lab)
        changing = asyncio.ensure_future(change(waiting, lab, claimed, dialing))
        await end_whoever_waits(lab, "SyncRep", how)
        with pytest.raises(OutcomeUnknown, match=message):
            await changing
        assert await everything(lab) != before


async def test_a_list_that_was_not_replicated_is_unknown_though_it_was_queued(
    lonely: tuple[Lab, Pool],
) -> None:
    lab, _ = lonely
    # Without waiting for commits, unless the statement asks for it.
    careless = make_conninfo(lab.url, options="-c synchronous_commit=off")
    async with Upload.open(careless, lab.deployment_id, None) as upload:
        await upload.stage([StagedRow(1, Destination("6175551234"), {})])
        fields = SharedFields(Schedule(), result_url=None, is_pci=False, variables={})
        queueing = asyncio.create_task(upload.queue(fields, b""))
        await end_whoever_waits(lab, "SyncRep", "pg_cancel_backend")
        with pytest.raises(OutcomeUnknown, match="did not replicate"):
            await queueing
    assert await lab.counted() == {("queued", ""): 1}


async def test_a_repeat_is_no_success_before_the_first_request_would_be(lonely: tuple[Lab, Pool]) -> None:
    lab, waiting = lonely
    careless = make_conninfo(lab.url, options="-c synchronous_commit=off")
    call, key = NewCall(Destination("6175551234")), IdempotencyKey(lab.deployment_id, "a")

    async def repeat_call() -> object:
        return await submit_once(waiting, call, key, bytes(32))

    async def repeat_list() -> object:
        async with Upload.open(careless, lab.deployment_id, key) as upload:
            await upload.stage([StagedRow(1, call.destination, {})])
            fields = SharedFields(Schedule(), result_url=None, is_pci=False, variables={})
            return await upload.queue(fields, bytes(32))

    for request in (repeat_call, repeat_call, repeat_list):
        asking = asyncio.create_task(request())
        await end_whoever_waits(lab, "SyncRep", "pg_cancel_backend")
        with pytest.raises(OutcomeUnknown, match="did not replicate"):
            await asyncio.wait_for(asking, WAIT)
    assert await lab.counted() == {("queued", ""): 1}


async def everything(lab: Lab) -> list[object]:
    return [await lab.rows("SELECT * FROM call ORDER BY id"), await lab.rows("SELECT epoch, paused_at FROM queue")]


# The server's defaults


async def set_default(lab: Lab, setting: str, value: str) -> None:
    """Set it for connections to the lab's database that are opened from now on."""
    [database] = await lab.rows("SELECT current_database() AS name")
    await lab.do(f"ALTER DATABASE {database['name']} SET {setting} = '{value}'")


async def test_commits_are_waited_for_even_where_the_database_says_otherwise(own_lab: Lab) -> None:
    lab = own_lab
    await set_default(lab, "synchronous_commit", "off")
    for change in CHANGES.values():
        await resume(lab.pool, lab.deployment_id)
        claimed, dialing = await lab.claimed(), await lab.dialing()
        async with open_connection(lab.url) as connection, connection.transaction():
            shown = await (await connection.execute("SHOW synchronous_commit")).fetchall()
            assert shown == [{"synchronous_commit": "off"}]
            await change(as_pool(connection), lab, claimed, dialing)
            shown = await (await connection.execute("SHOW synchronous_commit")).fetchall()
            assert shown == [{"synchronous_commit": "on"}]


async def test_the_protocol_holds_where_the_database_prefers_old_snapshots(own_lab: Lab) -> None:
    lab = own_lab
    claimed = await lab.claimed()
    await set_default(lab, "default_transaction_isolation", "repeatable read")
    pool = await open_pool(lab.url, min_size=1, max_size=1)
    async with open_connection(lab.url) as holder:
        await holder.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        await cancel_pending(as_pool(holder), lab.deployment_id, user_id=None, origin="test")
        async with pool.connection() as starter:
            starting = asyncio.create_task(start(as_pool(starter), lab.deployment_id, [claimed]))
            await until_waiting(lab, starter, "advisory", starting)
            await holder.execute("COMMIT")
            assert await asyncio.wait_for(starting, WAIT) == set()
    await pool.close()
