"""The live numbers of a deployment, from the counters that the database keeps: no call is ever counted."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from calloff.db.pool import Pool
from calloff.db.statements import load

GOOD, FAIR, BAD = "good", "fair", "bad"
_KINDS = {"answered": GOOD, "busy": FAIR, "no_answer": FAIR, "declined": FAIR, "expired": FAIR, "not_permitted": FAIR}
"""How a result looks; the others are faults that somebody should look into."""


@dataclass(slots=True)
class Numbers:
    """How many calls there are."""

    queued: int = 0
    dialing: int = 0
    connected: int = 0
    completed: int = 0
    failed: int = 0
    canceled: int = 0
    results: dict[str, int] = field(default_factory=dict)
    """Of those that are completed or failed."""

    @property
    def under_way(self) -> int:
        """What goes on when everything is called off."""
        return self.dialing + self.connected

    @property
    def shares(self) -> list[tuple[str, str, int]]:
        """Each result with its kind and its number, the most frequent first."""
        ordered = sorted(self.results.items(), key=lambda item: -item[1])
        return [(result, kind_of(result), calls) for result, calls in ordered if calls > 0]


def kind_of(result: str) -> str:
    """`good`, `fair` or `bad`."""
    return _KINDS.get(result, BAD)


async def live_numbers(pool: Pool, deployment_id: int) -> Numbers:
    """The numbers as they are now."""
    numbers = Numbers()
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "live_counts"), {"deployment_id": deployment_id})
        for row in await cursor.fetchall():
            setattr(numbers, row["status"], getattr(numbers, row["status"]) + row["calls"])
            if row["result"]:
                numbers.results[row["result"]] = numbers.results.get(row["result"], 0) + row["calls"]
    return numbers


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute of the chart, in the chart's own units."""

    minute: datetime
    x: int
    parts: tuple[tuple[str, float, float], ...]
    """Kind, y and height, from the bottom up."""
    calls: dict[str, int]
    """By kind."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Calls that ended in each of the last 60 minutes."""

    bars: list[Bar]
    top: int
    """The number of calls that the full height stands for."""

    WIDTH, HEIGHT, STEP = 600, 120, 10

    def total(self, kind: str) -> int:
        """Calls of one kind in the hour."""
        return sum(bar.calls[kind] for bar in self.bars)


async def draw_chart(pool: Pool, deployment_id: int, now: datetime | None = None) -> Chart:
    """The chart of the hour before `now`."""
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "ended_calls"), {"deployment_id": deployment_id})
        rows = await cursor.fetchall()
    calls: dict[datetime, dict[str, int]] = {}
    for row in rows:
        minute = calls.setdefault(row["minute"], {GOOD: 0, FAIR: 0, BAD: 0})
        minute[kind_of(row["result"])] += row["calls"]
    top = _round_up(max((sum(kinds.values()) for kinds in calls.values()), default=0))
    last = (now or datetime.now(UTC)).replace(second=0, microsecond=0)
    minutes = [last - timedelta(minutes=59 - place) for place in range(60)]
    empty = {GOOD: 0, FAIR: 0, BAD: 0}
    bars = [_bar(minute, place, calls.get(minute, empty), top) for place, minute in enumerate(minutes)]
    return Chart(bars, top)


def _bar(minute: datetime, place: int, calls: dict[str, int], top: int) -> Bar:
    parts = []
    y = float(Chart.HEIGHT)
    for kind, number in calls.items():
        height = Chart.HEIGHT * number / top
        y -= height
        if height:
            parts.append((kind, round(y, 2), round(height, 2)))
    return Bar(minute, place * Chart.STEP, tuple(parts), calls)


def _round_up(number: int) -> int:
    """The next of 10, 20, 50, 100, 200, …"""
    top = 10
    for factor in (2.0, 2.5, 2.0) * 20:
        if top >= number:
            break
        top = int(top * factor)
    return top
