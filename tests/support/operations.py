"""Every operation, and how to try each: at what place, and with what.

An operation that is missing here fails `tests/integration/operations`.
"""

import importlib
import pkgutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import time
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

import calloff.operations
from calloff.accounts.access import Permission, User
from calloff.accounts.keys import add_key
from calloff.accounts.passwords import hash_password, keep_password
from calloff.accounts.permissions import share_application
from calloff.accounts.secrets import SecretBox
from calloff.accounts.throttle import Throttle
from calloff.accounts.users import add_user
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.numbers import understand
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from calloff.lists.bulk import SharedFields, StagedRow, Upload
from calloff.operations import (
    accounts,
    applications,
    calls,
    deployments,
    lists,
    messages,
    queue,
    rules,
    trunks,
    users,
)
from calloff.operations.access import (
    OPERATOR,
    Access,
    Actor,
    Door,
    Right,
    Role,
    to_account,
    to_application,
    to_deployment,
)
from calloff.operations.lists import to_list
from calloff.operations.operation import Operation
from calloff.operations.queue import to_call
from calloff.operations.users import to_key, to_user
from calloff.rules.do_not_call import Reason
from calloff.rules.hours import CallingHours
from calloff.voice.cache import AudioCache
from calloff.voice.messages import Draft
from calloff.voice.speech import Speech
from tests.support.seed import Seed, seed
from tests.support.site import PASSWORD
from tests.support.uploading import publish_document, queue_small_list

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
    list_id: int
    """A list of the tenant's that waits."""
    key_id: int
    """A developer key of the target's."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How to try an operation."""

    to: Callable[[World, Actor], Awaitable[Access]]
    """The access to the place."""
    arguments: Callable[[World], tuple[Any, ...]] = lambda world: ()
    named: dict[str, Any] = field(default_factory=dict)
    is_own: bool = False
    """Whether the place is the actor's own, so that nobody is a stranger there."""
    around: Callable[["World", Access], AbstractAsyncContextManager[tuple[Any, ...]]] | None = None
    """What makes the arguments, where they have to be opened and closed."""


async def _nowhere(world: World, actor: Actor) -> Access:
    return await to_account(world.pool, actor)


async def _account(world: World, actor: Actor) -> Access:
    return await to_account(world.pool, actor, world.tenant.account_id)


async def _application(world: World, actor: Actor) -> Access:
    return await to_application(world.pool, actor, world.tenant.application_id)


async def _deployment(world: World, actor: Actor) -> Access:
    return await to_deployment(world.pool, actor, world.tenant.deployment_id)


async def _call(world: World, actor: Actor) -> Access:
    return await to_call(world.pool, actor, world.call_id)


async def _call_list(world: World, actor: Actor) -> Access:
    return await to_list(world.pool, actor, world.list_id)


async def _user(world: World, actor: Actor) -> Access:
    return await to_user(world.pool, actor, world.target.user_id)


async def _oneself(world: World, actor: Actor) -> Access:
    return await to_user(world.pool, actor, actor.user_id or world.target.user_id)


async def _key(world: World, actor: Actor) -> Access:
    return await to_key(world.pool, actor, world.key_id)


@asynccontextmanager
async def _list(world: World, access: Access) -> AsyncIterator[tuple[Any, ...]]:
    conninfo = world.pool.conninfo
    assert isinstance(conninfo, str)
    async with Upload.open(conninfo, world.tenant.deployment_id, None) as upload:
        await upload.stage([StagedRow(1, _CALL.destination, {})])
        yield upload, SharedFields(Schedule(), None, False, {})


def _seal(kind: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    return given


_CALL = NewCall(parse_destination("+16175551234"))
_VXML = b'<vxml version="2.1"><form><block><exit/></block></form></vxml>'
_BOX = SecretBox(Fernet.generate_key().decode())
_number = count(1)
_SPEECH = Speech.of_this_machine(AudioCache(Path(tempfile.gettempdir()) / "calloff-tests-sounds"), None)

_NUMBER = understand("+16175551234")

TRIALS: dict[AnyOperation, Trial] = {
    rules.forbid_number: Trial(_account, lambda world: (_NUMBER, Reason("told an agent"))),
    rules.forbid_number_to_application: Trial(_application, lambda world: (_NUMBER, Reason("told an agent"))),
    rules.allow_number: Trial(_account, lambda world: (_NUMBER,)),
    rules.allow_number_to_application: Trial(_application, lambda world: (_NUMBER,)),
    rules.forbid_list: Trial(_account, lambda world: ([[_NUMBER.digits]], Reason("a list"))),
    rules.find_number: Trial(_account, lambda world: (_NUMBER,)),
    rules.find_number_for_application: Trial(_application, lambda world: (_NUMBER,)),
    rules.set_hours: Trial(_account, lambda world: (CallingHours(time(8), time(21)),)),
    rules.set_destinations: Trial(_account, lambda world: (["DE"],)),
    accounts.add_account: Trial(_nowhere, lambda world: ("Clinic",)),
    accounts.set_country: Trial(_account, lambda world: ("DE",)),
    accounts.limit_account: Trial(_account, lambda world: ({"max_concurrent_calls": 5, "calls_per_second": None},)),
    accounts.pause_account: Trial(_account),
    accounts.deactivate_account: Trial(_account),
    accounts.reactivate_account: Trial(_account),
    applications.add_application: Trial(_oneself, lambda world: ("Surveys",), is_own=True),
    applications.rename_application: Trial(_application, lambda world: ("Surveys",)),
    applications.share_application: Trial(_application, lambda world: (world.target.user_id, {Permission.VIEW})),
    applications.delete_application: Trial(_application),
    calls.queue_call: Trial(_deployment, lambda world: (_CALL,)),
    calls.queue_list: Trial(_deployment, around=_list),
    calls.list_calls: Trial(_deployment, named={"limit": 1}),
    calls.read_call: Trial(_call),
    calls.read_trace: Trial(_call),
    calls.list_cancellations: Trial(_deployment, named={"limit": 1}),
    deployments.add_deployment: Trial(_application, lambda world: ("night", world.tenant.trunk_id)),
    deployments.set_deployment: Trial(_deployment, lambda world: ({"ring_timeout": 30.0},)),
    deployments.delete_deployment: Trial(_deployment),
    deployments.rotate_callback_key: Trial(_deployment, lambda world: (_BOX,)),
    deployments.redeliver_callbacks: Trial(_deployment),
    lists.list_lists: Trial(_account, named={"limit": 1}),
    lists.list_lists_of_deployment: Trial(_deployment, named={"limit": 1}),
    lists.read_list: Trial(_call_list),
    lists.read_list_results: Trial(_call_list),
    lists.call_list_off: Trial(_call_list),
    lists.pause_list: Trial(_call_list),
    lists.resume_list: Trial(_call_list),
    queue.pause: Trial(_deployment),
    queue.resume: Trial(_deployment),
    queue.call_everything_off: Trial(_deployment),
    queue.call_off_one_call: Trial(_call),
    trunks.add_trunk: Trial(_nowhere, lambda world: ("simulated", {"name": f"trunk {next(_number)}"}, _seal)),
    trunks.set_trunk: Trial(
        _nowhere, lambda world: (world.tenant.trunk_id, {"max_concurrent_calls": next(_number)}, _seal)
    ),
    trunks.queue_test_call: Trial(_deployment, lambda world: (world.tenant.trunk_id, _CALL)),
    trunks.note_test_call: Trial(_nowhere, lambda world: (world.tenant.trunk_id,)),
    users.add_user: Trial(_account, lambda world: (f"new{next(_number)}@example.org",)),
    users.set_role: Trial(_user, named={"is_administrator": True}),
    users.deactivate_user: Trial(_user),
    users.reactivate_user: Trial(_user),
    users.reset_password: Trial(_user),
    users.change_password: Trial(_oneself, lambda world: (PASSWORD, "another battery staple", Throttle()), is_own=True),
    users.add_key: Trial(_oneself, is_own=True),
    users.revoke_key: Trial(_key),
    messages.save_message: Trial(_application, lambda world: ("greeting", Draft(_VXML), _SPEECH)),
    messages.publish_message: Trial(_deployment, lambda world: ("reminder",)),
    messages.roll_message_back: Trial(_deployment),
    messages.list_messages: Trial(_application),
    messages.list_versions: Trial(_application, lambda world: ("reminder",)),
    messages.read_message: Trial(_application, lambda world: ("reminder",)),
    messages.compare_versions: Trial(_application, lambda world: ("reminder", 1, 2)),
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
    key = await add_key(pool, target.user_id)
    list_id = await queue_small_list(pool, tenant.deployment_id)
    for version in (1, 2):
        await publish_document(pool, tenant.deployment_id, "reminder", _VXML + b"<!-- %d -->" % version)
    return World(pool, operator, tenant, target, call_id, list_id, key.id)


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
    await keep_password(world.pool, added.id, await _password_hash(), must_change=False)
    return Actor(User(added.id, account_id, email, is_administrator), door, "192.0.2.1")


_hashes: list[str] = []


async def _password_hash() -> str:
    """Of `PASSWORD`, made once."""
    if not _hashes:
        _hashes.append(await hash_password(PASSWORD))
    return _hashes[0]


async def whoever_may(world: World, operation: AnyOperation, door: Door) -> Actor:
    """Somebody who may carry it out."""
    return await somebody(world, "operator" if operation.right is Role.OPERATOR else "administrator", door)


async def attempt(world: World, operation: AnyOperation, actor: Actor) -> Any:
    """Carry the operation out at its place."""
    trial = TRIALS[operation]
    access = await trial.to(world, actor)
    if trial.around is None:
        return await operation(world.pool, access, *trial.arguments(world), **trial.named)
    async with trial.around(world, access) as arguments:
        return await operation(world.pool, access, *arguments)
