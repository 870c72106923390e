"""Trunks, as the operator has set them: ways out that the deployments of all accounts share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

import psycopg
from psycopg.types.json import Jsonb
from typing_extensions import TypedDict

from calloff.accounts.limits import CallsPerSecond, MaxConcurrentCalls
from calloff.accounts.rows import check_name, fetch_all, fetch_one
from calloff.db.pool import Connection
from calloff.db.source import Source, transaction_on
from calloff.domain.errors import Conflict, NotFound
from calloff.domain.settings import About, check

TrunkKind = Literal["simulated", "sip"]


@dataclass(frozen=True, slots=True)
class TrunkRecord:
    """One trunk, as it is set."""

    id: int
    name: str
    kind: TrunkKind
    settings: Mapping[str, Any] = field(repr=False)
    """What its kind knows how to read; a secret in it is encrypted, or the name of an environment variable."""
    max_concurrent_calls: int | None
    calls_per_second: float | None
    created_at: datetime


class TrunkLimits(TypedDict, total=False):
    """What can be set of a trunk of any kind; what is left out stays as it is."""

    name: Annotated[str, About("Name")]
    max_concurrent_calls: MaxConcurrentCalls
    calls_per_second: CallsPerSecond


class TrunkSettings(TrunkLimits, total=False):
    """The same, and the settings of its kind."""

    settings: Mapping[str, Any]


async def add_trunk(source: Source, name: str, kind: TrunkKind, settings: TrunkSettings | None = None) -> TrunkRecord:
    """Enter a trunk, whose `settings` the caller has checked and sealed.

    Raises `Conflict` if there is one of that name, and `InvalidInput` for a limit that is none.
    """
    changes = _check(settings or {})
    try:
        async with transaction_on(source) as connection:
            trunk = await fetch_one(connection, TrunkRecord, "add_trunk", {"name": check_name(name), "kind": kind})
            if trunk is not None and changes:
                trunk = await fetch_one(
                    connection, TrunkRecord, "set_trunk", {"trunk_id": trunk.id, "changes": Jsonb(changes)}
                )
    except psycopg.errors.UniqueViolation:
        raise _name_taken() from None
    assert trunk is not None
    return trunk


async def list_trunks(source: Source) -> list[TrunkRecord]:
    """Every trunk, in the order in which they were entered."""
    return await fetch_all(source, TrunkRecord, "list_trunks", {})


async def find_trunk(source: Source, trunk_id: int) -> TrunkRecord:
    """The trunk with that ID. Raises `NotFound`."""
    trunk = await fetch_one(source, TrunkRecord, "find_trunk", {"trunk_id": trunk_id})
    if trunk is None:
        raise _no_trunk()
    return trunk


async def lock_trunk(connection: Connection, trunk_id: int) -> TrunkRecord:
    """The trunk with that ID, which nobody else changes until the transaction is over. Raises `NotFound`."""
    trunk = await fetch_one(connection, TrunkRecord, "lock_trunk", {"trunk_id": trunk_id})
    if trunk is None:
        raise _no_trunk()
    return trunk


async def set_trunk(source: Source, trunk_id: int, settings: TrunkSettings) -> TrunkRecord:
    """Change these settings; `settings` replaces all of them. None takes a limit away. Raises as `add_trunk`."""
    try:
        trunk = await fetch_one(
            source, TrunkRecord, "set_trunk", {"trunk_id": trunk_id, "changes": Jsonb(_check(settings))}
        )
    except psycopg.errors.UniqueViolation:
        raise _name_taken() from None
    if trunk is None:
        raise _no_trunk()
    return trunk


def _check(settings: TrunkSettings) -> dict[str, Any]:
    limits = {name: value for name, value in settings.items() if name != "settings"}
    changes: dict[str, Any] = {**settings, **check(TrunkLimits, limits)}
    if "name" in settings:
        changes["name"] = check_name(settings["name"])
    return changes


def _name_taken() -> Conflict:
    return Conflict("There is a trunk of that name already. Choose another name.", field="name")


def _no_trunk() -> NotFound:
    return NotFound("No trunk was found by that id. List the trunks.")
