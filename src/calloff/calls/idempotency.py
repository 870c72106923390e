"""Requests that may be repeated: the same key and body answer as the first time did (contract, `Idempotency-Key`)."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from calloff.db.pool import Connection
from calloff.db.statements import load
from calloff.domain.codes import Code
from calloff.domain.errors import CalloffError, Conflict


class KeyReused(CalloffError):
    """The idempotency key was used for another request before (HTTP 422)."""

    kind = Code.IDEMPOTENCY_KEY_REUSED


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key that a caller chose for one request of a deployment."""

    deployment_id: int
    key: str

    def parameters(self, **more: object) -> dict[str, object]:
        """For statements about the key."""
        return {"deployment_id": self.deployment_id, "key": self.key, **more}


@asynccontextmanager
async def in_progress(connection: Connection, key: IdempotencyKey) -> AsyncIterator[None]:
    """Hold `key` for one request. Raises `Conflict` while another one with the same key is in progress."""
    row = await (await connection.execute(load(__package__, "lock_key"), key.parameters())).fetchone()
    if row is None or not row["value"]:
        raise Conflict(
            "A request with this Idempotency-Key is still in progress. Wait, then repeat it.",
            code=Code.IDEMPOTENCY_KEY_IN_PROGRESS,
        )
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute(load(__package__, "unlock_key"), key.parameters())


async def earlier_call(connection: Connection, key: IdempotencyKey, fingerprint: bytes) -> int | None:
    """The (first) call that a request with `key` queued within 24 h; None if there was no such request.

    To be called within `confirmed`: then what that request queued is as certain as if it were queued now. Raises
    `KeyReused` if that request asked for something else.
    """
    cursor = await connection.execute(load(__package__, "find_key"), key.parameters(fingerprint=fingerprint))
    row = await cursor.fetchone()
    if row is None:
        return None
    if not row["is_same"]:
        raise KeyReused("This Idempotency-Key was used for another request. Choose a new key for each request.")
    return int(row["first_call_id"])


def fingerprint_of(fields: Mapping[str, object]) -> bytes:
    """What makes two requests the same: the SHA-256 of their fields, in whatever order they came."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()
