"""Calling hours: nobody is rung outside them on their own clock, and what is held is due when they begin."""

import random
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from calloff.calls import start as starting
from calloff.domain.entries import Entry
from calloff.domain.errors import InvalidInput
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.rules.hours import CallingHours, set_hours
from tests.integration.calls.lab import Lab, as_claimed, names, start

ENTRY = Entry(None, None, "test", "set an account's calling hours", "account")
ZONE = ZoneInfo("America/New_York")


async def account_of(lab: Lab) -> int:
    [row] = await lab.rows(
        "SELECT a.account_id FROM deployment AS d JOIN application AS a ON a.id = d.application_id WHERE d.id = %s",
        lab.deployment_id,
    )
    return int(row["account_id"])


def _hours_apart_from_now() -> CallingHours:
    """Hours that do not hold now where 617 is, and will not for at least an hour of the clock."""
    hour = datetime.now(ZONE).hour
    return CallingHours(time(2), time(5)) if hour >= 7 else CallingHours(time(12), time(15))


async def test_a_call_outside_the_hours_is_held_until_they_begin(lab: Lab) -> None:
    claimed = await lab.claimed()
    hours = _hours_apart_from_now()
    await set_hours(lab.pool, await account_of(lab), hours, ENTRY)
    answer = await starting.start(lab.pool, lab.deployment_id, [as_claimed(claimed)])
    assert answer == {claimed.call_id: starting.Refused(starting.Refusal.HELD)}
    row, call = await lab.row(claimed.call_id), await lab.status(claimed.call_id)
    assert (call.status, call.attempts, names(call)) == ("queued", 0, ["queued", "held"])
    assert row["due_at"].astimezone(ZONE).time() == hours.begin
    assert call.events[-1].details == {"rule": "calling_hours", "held_until": row["due_at"].timestamp()}
    assert await lab.claim() == [], "no claim wades through what is held"
    await set_hours(lab.pool, await account_of(lab), None, ENTRY)
    await lab.make_due(claimed.call_id)
    [again] = await lab.claim()
    assert await start(lab.pool, lab.deployment_id, [again.claim]) == {claimed.call_id}


async def test_a_call_whose_window_ends_before_the_hours_begin_is_over(lab: Lab) -> None:
    claimed = await lab.claimed(Schedule(end=int(datetime.now(UTC).timestamp()) + 60))
    await set_hours(lab.pool, await account_of(lab), _hours_apart_from_now(), ENTRY)
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()
    call = await lab.status(claimed.call_id)
    assert (call.status, call.result, call.events[-1].details) == (
        "failed",
        Result.NOT_PERMITTED,
        {"rule": "calling_hours"},
    )


async def test_nobody_is_rung_whose_clock_nobody_knows(lab: Lab) -> None:
    claimed = await lab.claimed()
    await lab.do("UPDATE call SET zones = '{}'")
    await set_hours(lab.pool, await account_of(lab), CallingHours(time(0), time(23, 59, 59)), ENTRY)
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()
    assert (await lab.status(claimed.call_id)).result == Result.NOT_PERMITTED


async def _next(lab: Lab, zones: list[str], at: datetime) -> datetime | None:
    [row] = await lab.rows(
        "SELECT next_permitted(a, %s::text[], %s) AS at FROM account AS a WHERE a.id = %s",
        zones,
        at,
        await account_of(lab),
    )
    found: datetime | None = row["at"]
    return found


@pytest.mark.parametrize(
    ("zone", "now", "opens"),
    [
        # The nights in which clocks change: the hour of the wall begins at another hour of UTC than the day before.
        ("America/New_York", "2026-03-08T03:00:00+00:00", "2026-03-08T12:00:00+00:00"),
        ("America/New_York", "2026-11-01T03:00:00+00:00", "2026-11-01T13:00:00+00:00"),
        ("Europe/Berlin", "2026-03-28T22:00:00+00:00", "2026-03-29T06:00:00+00:00"),
        ("Europe/Berlin", "2026-10-24T22:00:00+00:00", "2026-10-25T07:00:00+00:00"),
        ("Europe/London", "2026-03-28T22:00:00+00:00", "2026-03-29T07:00:00+00:00"),
        ("Europe/London", "2026-10-24T22:00:00+00:00", "2026-10-25T08:00:00+00:00"),
        ("Australia/Sydney", "2026-04-04T12:00:00+00:00", "2026-04-04T22:00:00+00:00"),
        ("Australia/Sydney", "2026-10-03T12:00:00+00:00", "2026-10-03T21:00:00+00:00"),
        ("America/Phoenix", "2026-03-08T06:00:00+00:00", "2026-03-08T15:00:00+00:00"),
        ("America/Phoenix", "2026-11-01T06:00:00+00:00", "2026-11-01T15:00:00+00:00"),
    ],
)
async def test_the_hours_begin_on_the_clock_of_the_wall(lab: Lab, zone: str, now: str, opens: str) -> None:
    await set_hours(lab.pool, await account_of(lab), CallingHours(time(8), time(21)), ENTRY)
    assert await _next(lab, [zone], datetime.fromisoformat(now)) == datetime.fromisoformat(opens)


async def test_the_moment_is_permitted_everywhere_and_the_first_such(lab: Lab) -> None:
    """Against a clock that looks at each quarter of an hour."""
    chosen, account_id = random.Random(13), await account_of(lab)
    places = ["America/New_York", "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney", "UTC"]
    for _ in range(60):
        zones = chosen.sample(places, chosen.randint(1, 2))
        begin = chosen.randrange(3 * 4, 20 * 4)
        until = chosen.randrange(begin + 1, 23 * 4)
        days = chosen.sample(range(1, 8), chosen.randint(1, 7))
        hours = CallingHours(time(begin // 4, begin % 4 * 15), time(until // 4, until % 4 * 15), days)
        await set_hours(lab.pool, account_id, hours, ENTRY)
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * chosen.randrange(365 * 96))

        def allows(at: datetime, hours: CallingHours = hours, zones: list[str] = zones) -> bool:
            local = [at.astimezone(ZoneInfo(zone)) for zone in zones]
            return all(hours.begin <= on.time() < hours.until and on.isoweekday() in hours.days for on in local)

        expected = next((at for n in range(8 * 96) if allows(at := now + timedelta(minutes=15 * n))), None)
        assert await _next(lab, zones, now) == expected, (zones, hours, now)


@pytest.mark.parametrize(
    ("begin", "until", "days"), [(time(8), time(8), [1]), (time(8), time(9), []), (time(8), time(9), [8])]
)
def test_what_are_no_hours_is_refused(begin: time, until: time, days: list[int]) -> None:
    with pytest.raises(InvalidInput):
        CallingHours(begin, until, days)
