"""What became of a started call: connected, over, or given back because nothing was sent.

Each function takes calls of one deployment and returns the IDs of those that it moved. A call that is missing from
the answer had been taken away from the dialer (see `rescue`); that is a normal outcome, to be logged. Raises
`OutcomeUnknown` if the server did not confirm: then it has to be asked again, which is harmless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from psycopg.types.json import Jsonb

from calloff.db.certain import certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.results import CalleeType, Result, may_retry
from calloff.queue.claim import Claim


@dataclass(frozen=True, slots=True)
class Answer:
    """The far end answered a call."""

    claim: Claim
    ago: float
    """Seconds since it did: the database's clock gives the time."""
    details: Mapping[str, object] = field(default_factory=dict)
    """What else the event should say, such as the SIP Call-ID."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An attempt is over."""

    claim: Claim
    result: Result
    ago: float
    """Seconds since it ended."""
    sip_code: int | None = None
    callee_type: CalleeType | None = None
    collected: Mapping[str, str] | None = None
    """What the application collected."""
    details: Mapping[str, object] = field(default_factory=dict)


async def connect(pool: Pool, deployment_id: int, answers: Sequence[Answer]) -> set[int]:
    """Write down that the far end answered."""
    return await _move(
        pool,
        "connect",
        deployment_id,
        [answer.claim for answer in answers],
        {
            "ago": [answer.ago for answer in answers],
            "details": [Jsonb(dict(answer.details)) for answer in answers],
        },
    )


async def settle(pool: Pool, deployment_id: int, endings: Sequence[Ending]) -> set[int]:
    """Write down how attempts ended: the call is over, or waits for another attempt if one is left and allowed."""
    return await _move(
        pool,
        "settle",
        deployment_id,
        [ending.claim for ending in endings],
        {
            "results": [ending.result for ending in endings],
            "sip_codes": [ending.sip_code for ending in endings],
            "callee_types": [ending.callee_type for ending in endings],
            "collected": [Jsonb(dict(ending.collected)) if ending.collected else None for ending in endings],
            "may_retry": [may_retry(ending.result) for ending in endings],
            "ago": [ending.ago for ending in endings],
            "details": [Jsonb({"result": ending.result, **ending.details}) for ending in endings],
        },
    )


async def withdraw(pool: Pool, deployment_id: int, claims: Sequence[Claim], *, wait: float = 0) -> set[int]:
    """Give back calls of which no INVITE was sent, without using up an attempt; they are due again after `wait` s."""
    return await _move(pool, "withdraw", deployment_id, claims, {"wait": wait})


async def _move(
    pool: Pool, statement: str, deployment_id: int, claims: Sequence[Claim], values: Mapping[str, object]
) -> set[int]:
    parameters = {
        "deployment_id": deployment_id,
        "call_ids": [claim.call_id for claim in claims],
        "tokens": [claim.token for claim in claims],
        **values,
    }
    async with certainly(pool) as connection:
        cursor = await connection.execute(load(__package__, statement), parameters)
        return {row["id"] for row in await cursor.fetchall()}
