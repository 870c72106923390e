"""Trunks: entered, set and tried. They are the operator's, and shared by all accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from calloff.accounts import trunks
from calloff.accounts.deployments import find_deployment
from calloff.accounts.trunks import TrunkKind, TrunkRecord, TrunkSettings
from calloff.calls.submit import insert_call
from calloff.domain.calls import NewCall
from calloff.domain.errors import InvalidInput
from calloff.domain.settings import Setting
from calloff.operations.access import Access, DeploymentAccess, Door, Role
from calloff.operations.operation import Act, operation

Seal: TypeAlias = Callable[[TrunkKind, Mapping[str, Any]], Mapping[str, Any]]
"""Checks the settings of a kind of trunk, and returns them as they are kept; raises `InvalidInput` for the field."""


@dataclass(frozen=True, slots=True)
class TrunkKinds:
    """What doors know of the kinds of trunks there are, from the one place that names them."""

    settings: Mapping[TrunkKind, Mapping[str, Setting]]
    """What can be set of each kind, beside what all have."""
    seal: Seal


_PASSWORDS = ("password", "password_env", "password_encrypted")


@operation("add a trunk", Role.OPERATOR, Door.CONSOLE, Door.CLI)
async def add_trunk(act: Act[Access], kind: TrunkKind, changes: TrunkSettings, seal: Seal) -> TrunkRecord:
    """Enter a trunk with these settings, of which those of its kind are sealed.

    Raises `InvalidInput` for the field, or `Conflict` for a name that is taken.
    """
    given = {name: value for name, value in changes.get("settings", {}).items() if value is not None}
    sealed: TrunkSettings = {**changes, "settings": seal(kind, given)}
    async with act.change() as change:
        trunk = await trunks.add_trunk(change.connection, changes["name"], kind, sealed)
        change.account_id, change.subject = None, f"trunk {trunk.id}"
    return trunk


@operation("change a trunk", Role.OPERATOR, Door.CONSOLE, Door.CLI)
async def set_trunk(act: Act[Access], trunk_id: int, changes: TrunkSettings, seal: Seal) -> TrunkRecord:
    """Change these settings, for the next calls that are dialed over the trunk.

    Of the settings of its kind, those that are left out stay, and None takes one away. A password that is given, or the
    variable that holds one, replaces the other. Raises as `add_trunk`, or `NotFound`.
    """
    async with act.change() as change:
        change.account_id, change.subject = None, f"trunk {trunk_id}"
        before = await trunks.lock_trunk(change.connection, trunk_id)
        sealed = changes
        if changes.get("settings"):
            sealed = {**changes, "settings": seal(before.kind, _merge(before.settings, changes["settings"]))}
        after = await trunks.set_trunk(change.connection, trunk_id, sealed)
        change.values = _differences(before, after)
    return after


@operation("make a test call", Role.ADMINISTRATOR, Door.CONSOLE)
async def queue_test_call(act: Act[DeploymentAccess], trunk_id: int, call: NewCall) -> int:
    """Queue a call in a deployment on the trunk, and return its ID. Raises `InvalidInput`."""
    deployment = await find_deployment(act.pool, act.access.deployment_id)
    if deployment.trunk_id != trunk_id:
        raise InvalidInput("Choose a deployment on this trunk.")
    async with act.change() as change:
        call_id = await insert_call(change.connection, deployment.id, call)
        change.subject = f"trunk {trunk_id}, call {call_id}"
    return call_id


@operation("make a test call", Role.OPERATOR, Door.CLI)
async def note_test_call(act: Act[Access], trunk_id: int) -> None:
    """Write down that a call over the trunk, outside of any queue, is about to be made."""
    async with act.change() as change:
        change.account_id, change.subject = None, f"trunk {trunk_id}"


def _merge(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if any(given.get(name) is not None for name in _PASSWORDS):
        kept = {name: value for name, value in kept.items() if name not in _PASSWORDS}
    return {name: value for name, value in {**kept, **given}.items() if value is not None}


def _differences(before: TrunkRecord, after: TrunkRecord) -> dict[str, tuple[Any, Any]]:
    """What has changed, of a password only that it has."""
    old, new = _flat(before), _flat(after)
    return {
        name: ("***", "***") if name in _PASSWORDS[2:] else (old.get(name), new.get(name))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    }


def _flat(trunk: TrunkRecord) -> dict[str, Any]:
    limits = {name: getattr(trunk, name) for name in ("name", "max_concurrent_calls", "calls_per_second")}
    return {**limits, **trunk.settings}
