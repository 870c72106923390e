"""What there is to know of all queues at once, at a cost that does not grow with the calls in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calloff.db.pool import Pool
from calloff.db.statements import load

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measures:
    """The rows of the statements of the same names."""

    calls: Sequence[Row]
    """`deployment_id`, `status` as the API names it, `result`, `calls`."""
    results: Sequence[Row]
    """`deployment_id`, `result` or `canceled`, `calls` that ever ended so."""
    held: Sequence[Row]
    """`deployment_id`, `status` (`dialing` or `connected`), `oldest_seconds`."""
    queues: Sequence[Row]
    """`deployment_id`, `cancellations`, `unsettled` calls, `oldest_due_seconds`."""
    dialers: Sequence[Row]
    """`id`, `name`, `ports`, `ports_in_use`, `latencies` (see `Latencies.to_json`), `dials` by result."""
    callbacks: Row
    """`waiting` and `failing`, counted no further than 100,000."""


async def measure(pool: Pool) -> Measures:
    """Measure now, from counters and indexes."""
    async with pool.connection() as connection:

        async def rows(name: str) -> Sequence[Row]:
            return await (await connection.execute(load(__package__, name))).fetchall()

        return Measures(
            calls=await rows("count_calls"),
            results=await rows("count_results"),
            held=await rows("measure_held"),
            queues=await rows("measure_queues"),
            dialers=await rows("measure_dialers"),
            callbacks=(await rows("measure_callbacks"))[0],
        )
