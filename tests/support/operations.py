"""Every operation, and how to try each: at what place, and with what.

An operation that is missing here fails `tests/integration/operations`.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import calloff.operations
from calloff.accounts.access import Permission, User
from calloff.accounts.permissions import share_application
from calloff.accounts.users import add_user
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.operations import queue
from calloff.operations.access import OPERATOR, Access, Actor, Door, Right, Role, to_deployment
from calloff.operations.operation import Operation
from calloff.operations.queue import to_call
from tests.support.seed import Seed, seed

AnyOperation = Operation[Any, ..., Any]


@dataclass(frozen=True, slots=True)
class World:
    """What operations are tried on: one of each thing in a tenant's account, beside the operator's own."""

    pool: Pool
    operator: Seed
    tenant: Seed
    target: User
    """A user of the tenant's who has nothing."""
    call_id: int
    """A call of the tenant's that waits."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How to try an operation."""

    to: Callable[[World, Actor], Awaitable[Access]]
    """The access to the place."""
    arguments: Callable[[World], tuple[Any, ...]] = lambda world: ()
    named: dict[str, Any] = field(default_factory=dict)


async def _deployment(world: World, actor: Actor) -> Access:
    return await to_deployment(world.pool, actor, world.tenant.deployment_id)


async def _call(world: World, actor: Actor) -> Access:
    return await to_call(world.pool, actor, world.call_id)


TRIALS: dict[AnyOperation, Trial] = {
    queue.pause: Trial(_deployment),
    queue.resume: Trial(_deployment),
    queue.call_everything_off: Trial(_deployment),
    queue.call_off_one_call: Trial(_call),
}

ROLES: dict[str, frozenset[Right]] = {
    "nothing": frozenset({Role.MEMBER}),
    **{str(permission): frozenset({Role.MEMBER, permission}) for permission in Permission},
    "owner": frozenset({Role.MEMBER, *Permission}),
    "administrator": frozenset({Role.MEMBER, Role.ADMINISTRATOR, *Permission}),
}
"""What each role may do in the tenant's account."""


def all_operations() -> dict[str, AnyOperation]:
    """Every operation there is, by the name of its function."""
    found: dict[str, AnyOperation] = {}
    for module in pkgutil.walk_packages(calloff.operations.__path__, f"{calloff.operations.__name__}."):
        names = vars(importlib.import_module(module.name))
        found |= {
            f"{module.name.rpartition('.')[2]}.{name}": each
            for name, each in names.items()
            if isinstance(each, Operation) and each.function.__module__ == module.name
        }
    return found


async def make_world(pool: Pool, operator: Seed) -> World:
    """A tenant with one of each thing, beside the operator, whose account is the first one."""
    tenant = await seed(pool)
    added = await add_user(pool, tenant.account_id, f"target@{tenant.account_id}.example")
    target = User(added.id, added.account_id, added.email, False)
    call_id = await submit(pool, tenant.deployment_id, NewCall(parse_destination("+16175551234")))
    return World(pool, operator, tenant, target, call_id)


async def somebody(world: World, role: str, door: Door) -> Actor:
    """Who is this in the tenant's account, or a `stranger`, or the `operator`, by that door."""
    if door is Door.CLI:
        return OPERATOR
    if role in ("stranger", "operator"):
        seeded = world.operator if role == "operator" else await seed(world.pool)
        return Actor(User(seeded.user_id, seeded.account_id, seeded.email, True), door, "192.0.2.1")
    account_id, is_administrator = world.tenant.account_id, role == "administrator"
    email = f"{role}-{door}@{account_id}.example"
    added = await add_user(world.pool, account_id, email, is_administrator=is_administrator)
    if role == "owner":
        async with world.pool.connection() as connection:
            parameters = (added.id, world.tenant.application_id)
            await connection.execute("UPDATE application SET owner_user_id = %s WHERE id = %s", parameters)
    else:
        permissions = [permission for permission in Permission if permission in ROLES[role]]
        await share_application(world.pool, world.tenant.application_id, added.id, permissions)
    return Actor(User(added.id, account_id, email, is_administrator), door, "192.0.2.1")


async def whoever_may(world: World, operation: AnyOperation, door: Door) -> Actor:
    """Somebody who may carry it out."""
    return await somebody(world, "operator" if operation.right is Role.OPERATOR else "administrator", door)


async def attempt(world: World, operation: AnyOperation, actor: Actor) -> Any:
    """Carry the operation out at its place."""
    trial = TRIALS[operation]
    return await operation(world.pool, await trial.to(world, actor), *trial.arguments(world), **trial.named)
