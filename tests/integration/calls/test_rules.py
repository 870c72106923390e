"""The wall: no call is started that a rule forbids at that moment, and each refusal is named."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calloff.calls import start as starting
from calloff.calls.submit import submit
from calloff.db.pool import Connection
from calloff.domain.calls import NewCall
from calloff.domain.entries import Entry
from calloff.domain.errors import InvalidInput
from calloff.domain.phone import parse_destination
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.rules.destinations import COSTLY_KINDS, set_destinations
from calloff.rules.do_not_call import Reason, Scope, allow, find_forbidden, forbid, import_forbidden
from tests.integration.calls.lab import (
    RETRIED,
    WAIT,
    Lab,
    as_claimed,
    as_pool,
    change_function,
    names,
    open_connection,
    start,
    until_waiting,
)
from tests.support.uploading import publish_document

NUMBER = 16175551234
ENTRY = Entry(None, None, "test", "forbid a number", "a list")
TOLD = Reason("told an agent")
_GREETING = b'<vxml version="2.1"><form><block>Hello.</block></form></vxml>'


async def scope_of(lab: Lab, kind: str) -> Scope:
    [row] = await lab.rows(
        "SELECT a.account_id, a.id FROM deployment AS d JOIN application AS a ON a.id = d.application_id "
        "WHERE d.id = %s",
        lab.deployment_id,
    )
    return {
        "operator": Scope(),
        "account": Scope(row["account_id"]),
        "application": Scope(row["account_id"], row["id"]),
    }[kind]


@pytest.mark.parametrize("kind", ["operator", "account", "application"])
async def test_what_is_on_a_list_does_not_start_and_its_end_says_why(lab: Lab, kind: str) -> None:
    claimed = await lab.claimed(RETRIED)
    scope = await scope_of(lab, kind)
    assert await forbid(lab.pool, scope, NUMBER, TOLD, ENTRY)
    answer = await starting.start(lab.pool, lab.deployment_id, [as_claimed(claimed)])
    assert answer == {claimed.call_id: starting.Refused(starting.Refusal.NOT_PERMITTED)}
    call = await lab.status(claimed.call_id)
    assert (call.status, call.result, call.attempts, names(call)) == (
        "failed",
        Result.NOT_PERMITTED,
        0,
        ["queued", "refused"],
    )
    assert call.events[-1].details == {"rule": "do_not_call"}
    await lab.assert_counts_are_true()
    assert await allow(lab.pool, scope, NUMBER, ENTRY)
    assert (await lab.dialing()).call_id


@pytest.mark.parametrize("scope", [Scope(10**6), Scope(1, 10**6)], ids=["another account", "another application"])
async def test_anothers_list_forbids_nothing(lab: Lab, scope: Scope) -> None:
    await forbid(lab.pool, scope, NUMBER, TOLD, ENTRY)
    assert (await lab.dialing()).call_id


async def test_an_entry_ends_when_it_says_so_and_is_never_shortened(lab: Lab) -> None:
    now = datetime.now(UTC)
    assert await forbid(lab.pool, Scope(), NUMBER, Reason("a while", ends_at=now - timedelta(seconds=1)), ENTRY)
    assert (await lab.dialing()).call_id
    assert await forbid(lab.pool, Scope(), NUMBER, Reason("for good"), ENTRY)
    assert not await forbid(lab.pool, Scope(), NUMBER, Reason("a while", ends_at=now + timedelta(days=1)), ENTRY)
    [entry] = await find_forbidden(lab.pool, 0, NUMBER)
    assert (entry.source, entry.ends_at) == ("for good", None)


@pytest.mark.parametrize("written", ["6175551234", "+1 (617) 555-1234", "16175551234"])
async def test_a_number_is_forbidden_however_it_is_written(lab: Lab, written: str) -> None:
    await forbid(lab.pool, Scope(), NUMBER, TOLD, ENTRY)
    await submit(lab.pool, lab.deployment_id, NewCall(parse_destination(written)))
    [call] = await lab.claim()
    assert await start(lab.pool, lab.deployment_id, [call.claim]) == set()


async def test_a_call_from_before_numbers_were_understood_is_forbidden_too(lab: Lab) -> None:
    await forbid(lab.pool, Scope(), NUMBER, TOLD, ENTRY)
    claimed = await lab.claimed()
    await lab.do("UPDATE call SET number = NULL, phone_number = '6175551234'")
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()


async def test_the_next_attempt_is_judged_again(lab: Lab) -> None:
    claimed = await lab.dialing(RETRIED)
    await forbid(lab.pool, Scope(), NUMBER, TOLD, ENTRY)
    await lab.settle(claimed, Result.BUSY)
    await lab.make_due(claimed.call_id)
    [again] = await lab.claim()
    assert await start(lab.pool, lab.deployment_id, [again.claim]) == set()
    assert (await lab.status(claimed.call_id)).result == Result.NOT_PERMITTED


async def test_of_a_batch_only_what_is_forbidden_is_refused(lab: Lab) -> None:
    await submit(lab.pool, lab.deployment_id, NewCall(parse_destination("6175550100")))
    await submit(lab.pool, lab.deployment_id, NewCall(parse_destination("6175551234")))
    await forbid(lab.pool, Scope(), NUMBER, TOLD, ENTRY)
    calls = await lab.claim(5)
    assert await start(lab.pool, lab.deployment_id, [call.claim for call in calls]) == {calls[0].claim.call_id}
    assert [await lab.state(call.claim.call_id) for call in calls] == ["dialing", "failed"]


async def test_a_list_of_many_is_imported_once_with_one_entry(lab: Lab) -> None:
    batches = [list(range(16175550000, 16175552000)), [NUMBER, NUMBER]]
    assert await import_forbidden(lab.pool, Scope(), batches, Reason("national list"), ENTRY) == 2000
    assert await import_forbidden(lab.pool, Scope(), batches, Reason("national list"), ENTRY) == 0
    [entries] = await lab.rows("SELECT count(*) AS value FROM audit_log WHERE action = %s", ENTRY.action)
    assert entries["value"] == 2
    claimed = await lab.claimed()
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()


# Interleavings: the same fence as a cancel's.


@pytest.fixture
async def first(lab: Lab) -> AsyncIterator[Connection]:
    """A connection with a transaction of the test's that is still open."""
    async with open_connection(lab.url) as connection:
        await connection.execute("BEGIN")
        yield connection


async def _forbid(lab: Lab, connection: Connection) -> None:
    await forbid(as_pool(connection), await scope_of(lab, "account"), NUMBER, TOLD, ENTRY)


async def _forbid_for_all(lab: Lab, connection: Connection) -> None:
    await forbid(as_pool(connection), Scope(), NUMBER, TOLD, ENTRY)


_FORBIDS: list[Callable[[Lab, Connection], Awaitable[None]]] = [_forbid, _forbid_for_all]


@pytest.mark.parametrize("do_forbid", _FORBIDS)
async def test_a_start_that_comes_while_a_number_is_forbidden_waits_and_starts_nothing(
    lab: Lab, first: Connection, do_forbid: Callable[[Lab, Connection], Awaitable[None]]
) -> None:
    claimed = await lab.claimed()
    await do_forbid(lab, first)
    async with open_connection(lab.url) as second:
        starting = asyncio.create_task(start(as_pool(second), lab.deployment_id, [claimed]))
        await until_waiting(lab, second, "advisory", starting)
        await first.execute("COMMIT")
        assert await asyncio.wait_for(starting, WAIT) == set()
    assert (await lab.status(claimed.call_id)).result == Result.NOT_PERMITTED


@pytest.mark.parametrize("do_forbid", _FORBIDS)
async def test_what_forbids_a_number_has_waited_for_a_start_when_it_returns(
    lab: Lab, first: Connection, do_forbid: Callable[[Lab, Connection], Awaitable[None]]
) -> None:
    claimed = await lab.claimed()
    await start(as_pool(first), lab.deployment_id, [claimed])
    async with open_connection(lab.url) as second:
        forbidding: asyncio.Task[Any] = asyncio.create_task(do_forbid(lab, second))  # type: ignore[arg-type]
        await until_waiting(lab, second, "advisory", forbidding)
        await first.execute("COMMIT")
        await asyncio.wait_for(forbidding, WAIT)
    assert await lab.state(claimed.call_id) == "dialing"


async def test_starts_of_other_accounts_do_not_wait_for_an_accounts_rules(lab: Lab, first: Connection) -> None:
    other = await Lab.open(lab.url, lab.pool)
    claimed = await other.claimed()
    await _forbid(lab, first)
    assert await asyncio.wait_for(start(lab.pool, other.deployment_id, [claimed]), WAIT) == {claimed.call_id}


async def test_without_the_lock_of_the_rules_a_start_would_dial_what_is_being_forbidden(
    lab: Lab, first: Connection
) -> None:
    """The mutant that shows what the fence is for."""
    await change_function(lab, "start_calls", "PERFORM pg_advisory_xact_lock_shared(rules_lock_key(0));", "")
    claimed = await lab.claimed()
    await _forbid_for_all(lab, first)
    assert await asyncio.wait_for(start(lab.pool, lab.deployment_id, [claimed]), WAIT) == {claimed.call_id}


# Destinations


_ABROAD = [("+19005551234", "premium"), ("+881612345678", "satellite"), ("+16170000777", "unassigned")]


async def _on_a_real_trunk(lab: Lab) -> None:
    await publish_document(lab.pool, lab.deployment_id, "greeting", _GREETING)
    await lab.do("UPDATE trunk SET kind = 'sip'")


async def _try(lab: Lab, number: str) -> str | None:
    """The rule that refuses the number; None if it starts."""
    call_id = await submit(lab.pool, lab.deployment_id, NewCall(parse_destination(number), schedule=Schedule()))
    [call] = await lab.claim()
    if await start(lab.pool, lab.deployment_id, [call.claim]):
        return None
    return str((await lab.status(call_id)).events[-1].details["rule"])


@pytest.mark.parametrize(("number", "kind"), _ABROAD)
async def test_what_could_run_up_a_bill_needs_the_operators_leave(lab: Lab, number: str, kind: str) -> None:
    account_id = (await scope_of(lab, "account")).account_id
    assert await _try(lab, number) is None, "nobody's phone rings on the simulated trunk"
    await _on_a_real_trunk(lab)
    assert await _try(lab, number) == "destination_kind"
    await set_destinations(lab.pool, account_id, ["*", "DE", "+4930"], ENTRY)
    assert await _try(lab, number) == "destination_kind"
    await set_destinations(lab.pool, account_id, [kind], ENTRY)
    assert await _try(lab, number) is None
    await set_destinations(lab.pool, account_id, [number[:6]], ENTRY)
    assert await _try(lab, number) is None


@pytest.mark.parametrize("allowed", ["DE", "*", "+4930"])
async def test_other_countries_need_the_operators_leave(lab: Lab, allowed: str) -> None:
    account_id = (await scope_of(lab, "account")).account_id
    await _on_a_real_trunk(lab)
    assert await _try(lab, "6175551234") is None
    assert await _try(lab, "+49 (0)30 1234567") == "destination_country"
    await set_destinations(lab.pool, account_id, [allowed], ENTRY)
    assert await _try(lab, "+49 (0)30 1234567") is None


@pytest.mark.parametrize("destination", ["de", "ZZ", "mobile", "+0", "4930", ""])
async def test_what_is_no_destination_is_refused(lab: Lab, destination: str) -> None:
    with pytest.raises(InvalidInput, match="no destination"):
        await set_destinations(lab.pool, 1, [destination], ENTRY)


async def test_the_costly_kinds_are_those_of_the_function(lab: Lab) -> None:
    [function] = await lab.rows("SELECT pg_get_functiondef('forbidding_rule'::regproc) AS text")
    assert ", ".join(f"'{kind}'" for kind in COSTLY_KINDS) in function["text"]
