"""Calls: queued one by one or as a list, read, and what was called off of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calloff.accounts.access import Permission
from calloff.accounts.audit import write_entry
from calloff.calls import cancel, submit
from calloff.calls.cancel import Cancellation
from calloff.calls.idempotency import IdempotencyKey
from calloff.db.pool import Connection
from calloff.domain.calls import STATUSES, CallStatus, NewCall
from calloff.lists.bulk import SharedFields, Totals, Upload
from calloff.operations.access import DeploymentAccess, Door
from calloff.operations.operation import Act, Record, operation
from calloff.operations.queue import CallAccess
from calloff.reports import read
from calloff.reports.traces import AttemptTrace, find_traces


@dataclass(frozen=True, slots=True)
class Once:
    """Makes a request that is sent twice one request."""

    key: IdempotencyKey
    fingerprint: bytes
    """Of what it asks for."""


@operation("queue a call", Permission.QUEUE, Door.API, Door.CONSOLE, record=Record.CALL)
async def queue_call(act: Act[DeploymentAccess], call: NewCall, once: Once | None = None) -> int:
    """Queue the call and return its ID; with `once`, unless such a request has queued it before.

    Raises `InvalidInput`, `Deleted`, `Conflict` while such a request is in progress, `KeyReused` if it asked for
    something else, or `OutcomeUnknown`: then the call may or may not be queued.
    """
    if once is None:
        return await submit.submit(act.pool, act.access.deployment_id, call)
    return await submit.submit_once(act.pool, call, once.key, once.fingerprint)


@operation("queue a list", Permission.QUEUE, Door.API, Door.CONSOLE)
async def queue_list(
    act: Act[DeploymentAccess], upload: Upload, shared: SharedFields, fingerprint: bytes = b""
) -> Totals:
    """Queue every valid row of a list that was staged, or what a request with the same key has queued before.

    Raises `InvalidInput`, `Deleted`, `KeyReused`, or `OutcomeUnknown`: then all of it is queued, or nothing.
    """
    entry = act.entry()

    async def write(connection: Connection, totals: Totals) -> None:
        await write_entry(connection, replace(entry, action=f"queue a list of {totals.queued} calls"))

    actor = act.access.actor
    return await upload.queue(shared, fingerprint, user_id=actor.user_id, origin=actor.origin, before_commit=write)


@operation(
    "read the trace of a call", Permission.VIEW, Door.API, Door.CONSOLE, record=Record.NOTHING, even_deleted=True
)
async def read_trace(act: Act[CallAccess]) -> list[AttemptTrace]:
    """What went over the wire for each of its attempts that were over a SIP trunk and have ended."""
    return await find_traces(act.pool, act.access.call.call_id)


@operation("list calls", Permission.VIEW, Door.API, Door.CONSOLE, record=Record.NOTHING)
async def list_calls(
    act: Act[DeploymentAccess], *, limit: int, before: int | None = None, statuses: Sequence[str] = STATUSES
) -> list[CallStatus]:
    """At most `limit` calls of the deployment that have one of these statuses, newest first, of IDs below `before`."""
    return await read.list_calls(act.pool, act.access.deployment_id, limit=limit, before=before, statuses=statuses)


@operation("read a call", Permission.VIEW, Door.API, Door.CONSOLE, record=Record.NOTHING, even_deleted=True)
async def read_call(act: Act[CallAccess]) -> CallStatus:
    """What has become of the call."""
    return act.access.call


@operation("list cancellations", Permission.VIEW, Door.API, Door.CONSOLE, record=Record.NOTHING)
async def list_cancellations(
    act: Act[DeploymentAccess], *, limit: int, before: int | None = None
) -> list[Cancellation]:
    """Who called off what, when and from where: at most `limit`, newest first, of epochs below `before`."""
    return await cancel.list_cancellations(act.pool, act.access.deployment_id, limit=limit, before=before)
