"""What became of a started call: connected, over, or given back because nothing was sent.

Each function takes calls of one deployment and returns the IDs of those that it moved. A call that is missing from
the answer had been taken away from the dialer (see `rescue`); that is a normal outcome, to be logged. Raises
`OutcomeUnknown` if the server did not confirm: then it has to be asked again, which is harmless.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from psycopg.types.json import Json

from calloff.calls.claim import Claim
from calloff.db.certain import certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.results import CalleeType, Result, may_retry

_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """The far end answered a call."""

    claim: Claim
    ago: float
    """Seconds since it did: the database's clock gives the time."""
    details: Mapping[str, object] = field(default_factory=dict)
    """What else the event should say, such as the SIP Call-ID."""
    dialog: Mapping[str, object] = field(default_factory=dict)
    """What the trunk needs to end the call should this dialer die (`Leg.dialog`)."""


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
    called_off: bool = False
    """Whether a cancel has hung it up before anybody answered: then it is canceled, as what had waited."""


async def connect(pool: Pool, deployment_id: int, answers: Sequence[Answer]) -> set[int]:
    """Write down that the far end answered."""
    moves = [
        {
            **_named(answer.claim),
            "ago": answer.ago,
            "detail": _storable(answer.details),
            "dialog": {"kept": _storable(answer.dialog)} if answer.dialog else {},
        }
        for answer in answers
    ]
    return await _move(pool, "connect", deployment_id, moves)


async def settle(pool: Pool, deployment_id: int, endings: Sequence[Ending]) -> set[int]:
    """Write down how attempts ended: the call is over, or waits for another attempt if one is left and allowed."""
    moves = [
        {
            **_named(ending.claim),
            "result": ending.result,
            "sip_code": ending.sip_code,
            "callee_type": ending.callee_type,
            "collected": _storable(ending.collected) if ending.collected else None,
            "may_retry": may_retry(ending.result, ending.sip_code),
            "called_off": ending.called_off,
            "ago": ending.ago,
            "detail": {"result": ending.result, **_storable(ending.details)},
        }
        for ending in endings
    ]
    return await _move(pool, "settle", deployment_id, moves)


async def withdraw(pool: Pool, deployment_id: int, claims: Sequence[Claim], *, wait: float = 0) -> set[int]:
    """Give back calls of which no INVITE was sent, without using up an attempt; they are due again after `wait` s."""
    return await _move(pool, "withdraw", deployment_id, [_named(claim) for claim in claims], wait=wait)


def _named(claim: Claim) -> dict[str, object]:
    return {"id": claim.call_id, "token": str(claim.token)}


def _storable(texts: Mapping[str, object]) -> dict[str, object]:
    """Without what PostgreSQL takes in no text: applications and far ends choose it, and a whole batch would wait."""
    return {_replaced(name): _replaced(text) if isinstance(text, str) else text for name, text in texts.items()}


def _replaced(text: str) -> str:
    return _NOT_STORABLE.sub("\ufffd", text)


async def _move(
    pool: Pool, statement: str, deployment_id: int, moves: Sequence[Mapping[str, object]], **values: object
) -> set[int]:
    # One document for all of them: an array of each column takes the client four times as long to write.
    parameters = {"deployment_id": deployment_id, "moves": Json(moves), **values}
    async with certainly(pool) as connection:
        cursor = await connection.execute(load(__package__, statement), parameters)
        return {row["id"] for row in await cursor.fetchall()}
