"""Deployments: where an application's calls are queued, with the trunk and the pace that they are dialed at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import psycopg
from psycopg.types.json import Jsonb
from typing_extensions import TypedDict

from calloff.accounts.limits import CallsPerSecond, MaxConcurrentCalls
from calloff.accounts.rows import check_name, fetch_all, fetch_one
from calloff.db.certain import call_certainly
from calloff.db.pool import Connection, Pool
from calloff.db.source import Source, transaction_on
from calloff.db.statements import load
from calloff.domain.entries import Entry, told
from calloff.domain.errors import Deleted, NotFound
from calloff.domain.phone import parse_number
from calloff.domain.settings import About, check


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of an application, as it is set."""

    id: int
    application_id: int
    trunk_id: int
    name: str
    caller_id: str | None
    """For calls without an `ani` of their own; None leaves it to the trunk."""
    max_concurrent_calls: int | None
    calls_per_second: float | None
    ring_timeout: float
    """Seconds."""
    on_unknown: str
    """What becomes of an attempt whose dialer died: `fail`, or `retry` like any other failure."""
    callback_format: str
    created_at: datetime
    deleted_at: datetime | None


class DeploymentSettings(TypedDict, total=False):
    """What of a deployment can be set; what is left out stays as it is."""

    name: Annotated[str, About("Name")]
    trunk_id: Annotated[int, About("Trunk", "What the calls go out over.", option="trunk")]
    caller_id: Annotated[
        str | None, About("Caller ID", "Number to show for calls without one of their own.", none="the trunk's")
    ]
    max_concurrent_calls: MaxConcurrentCalls
    calls_per_second: CallsPerSecond
    ring_timeout: Annotated[
        float, About("Seconds to ring", "How long a far end may ring; 60 unless it is set.", at_least=1, at_most=300)
    ]
    on_unknown: Annotated[
        Literal["fail", "retry"],
        About(
            "If a dialer dies during a call",
            "What becomes of an attempt whose outcome nobody knows.",
            labels={"fail": "Do not ring again", "retry": "Try again, as after a failure"},
        ),
    ]
    callback_format: Annotated[
        Literal["json", "form"],
        About("Callbacks as", "How results are sent.", labels={"json": "JSON", "form": "Form fields"}),
    ]


async def add_deployment(
    source: Source, application_id: int, name: str, trunk_id: int, settings: DeploymentSettings | None = None
) -> Deployment:
    """Make a deployment with an empty queue.

    Raises `NotFound` if there is no such application, not deleted and of an active account, or no such trunk, and
    `InvalidInput` for a setting out of its limits.
    """
    parameters = {"application_id": application_id, "trunk_id": trunk_id, "name": check_name(name)}
    changes = _check(settings or {})
    try:
        async with transaction_on(source) as connection:
            deployment = await fetch_one(connection, Deployment, "add_deployment", parameters)
            if deployment is not None and changes:
                deployment = await fetch_one(
                    connection,
                    Deployment,
                    "set_deployment",
                    {"deployment_id": deployment.id, "changes": Jsonb(changes)},
                )
    except psycopg.errors.ForeignKeyViolation:
        raise _no_trunk() from None
    if deployment is None:
        raise NotFound("No application of an active account was found by that id. List the applications.")
    return deployment


async def list_deployments(source: Source, *, application_id: int | None = None) -> list[Deployment]:
    """Every deployment of the application, or of all applications, deleted ones too."""
    parameters = {"application_id": application_id, "account_id": None}
    return await fetch_all(source, Deployment, "list_deployments", parameters)


async def find_deployment(source: Source, deployment_id: int) -> Deployment:
    """That deployment, deleted or not. Raises `NotFound`."""
    found = await fetch_one(source, Deployment, "find_deployment", {"deployment_id": deployment_id})
    if found is None:
        raise _no_deployment()
    return found


async def lock_deployment(connection: Connection, deployment_id: int) -> Deployment:
    """That deployment, which nobody else changes until the transaction is over. Raises `NotFound`."""
    found = await fetch_one(connection, Deployment, "lock_deployment", {"deployment_id": deployment_id})
    if found is None:
        raise _no_deployment()
    return found


async def set_deployment(source: Source, deployment_id: int, settings: DeploymentSettings) -> Deployment:
    """Change these settings, for the next calls that are dialed. None takes a limit or the caller ID away.

    Raises `NotFound` if there is no such deployment or trunk, or it was deleted, and `InvalidInput`.
    """
    try:
        deployment = await fetch_one(
            source, Deployment, "set_deployment", {"deployment_id": deployment_id, "changes": Jsonb(_check(settings))}
        )
    except psycopg.errors.ForeignKeyViolation:
        raise _no_trunk() from None
    if deployment is None:
        raise _no_deployment()
    return deployment


async def delete_deployment(
    pool: Pool, deployment_id: int, *, user_id: int | None, origin: str, entry: Entry | None = None
) -> None:
    """Delete the deployment and call off what is pending in it; the cancellation says by whom and from where.

    `entry` is written in the same statement. `user_id` is None for the operator's command line. Raises `NotFound`,
    `Deleted`, or `OutcomeUnknown`: then it has to be asked for again.
    """
    known = await find_deployment(pool, deployment_id)
    if known.deleted_at is not None or not await call_certainly(
        pool,
        load(__package__, "delete_deployment"),
        {"deployment_id": deployment_id, "by_user_id": user_id, "by_origin": origin, **told(entry)},
    ):
        raise Deleted("This deployment was deleted before.")


def _check(settings: DeploymentSettings) -> dict[str, Any]:
    changes: dict[str, Any] = dict(check(DeploymentSettings, settings))
    if "name" in settings:
        changes["name"] = check_name(settings["name"])
    if settings.get("caller_id") is not None:
        changes["caller_id"] = parse_number(str(settings["caller_id"]), "caller_id")
    return changes


def _no_deployment() -> NotFound:
    return NotFound("No deployment was found by that id. List the deployments.")


def _no_trunk() -> NotFound:
    return NotFound("No trunk was found by that id. List the trunks.")
