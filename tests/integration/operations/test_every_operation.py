"""Every operation by role, by door, and by what it leaves in the audit log: swept, so that a new one is tried, too."""

import pytest

from calloff.accounts.access import Permission
from calloff.db.pool import Pool
from calloff.domain.errors import NotFound, NotPermitted, OutcomeUnknown
from calloff.operations import users
from calloff.operations.access import Actor, Door, Role
from calloff.operations.operation import Record
from tests.integration.console.conftest import fingerprint
from tests.support.changes import entries
from tests.support.operations import (
    ROLES,
    TRIALS,
    AnyOperation,
    all_operations,
    attempt,
    make_world,
    somebody,
    whoever_may,
)
from tests.support.seed import seed

_OPERATIONS = all_operations()
_CHANGES = {name: each for name, each in _OPERATIONS.items() if each.record in (Record.ENTRY, Record.CANCELLATION)}
_BREAK = """
CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NEW; END $$;
CREATE TRIGGER break_off BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION break_off();
CREATE TRIGGER break_off BEFORE INSERT ON cancellation FOR EACH ROW EXECUTE FUNCTION break_off();
"""
_BREAKS = {"refused": "RAISE EXCEPTION 'no entry today';", "killed": "PERFORM pg_terminate_backend(pg_backend_pid());"}


def test_every_operation_is_tried_and_says_what_it_does() -> None:
    assert set(TRIALS) == set(_OPERATIONS.values())
    for name, each in _OPERATIONS.items():
        assert each.function.__doc__, name
        assert each.doors, name


@pytest.mark.parametrize("role", [*ROLES, "stranger"])
async def test_a_role_may_do_what_it_may_and_nothing_else(pool: Pool, role: str) -> None:
    operator = await seed(pool)
    for name, each in _OPERATIONS.items():
        world = await make_world(pool, operator)
        doors = each.doors - {Door.CLI}
        actor = await somebody(world, role, min(doors, default=Door.CONSOLE))
        if role == "stranger" and TRIALS[each].is_own:
            continue
        if role != "stranger" and each.right in ROLES[role] and doors and _may_reach(each, role):
            await attempt(world, each, actor)
            continue
        before = await fingerprint(pool)
        with pytest.raises((NotFound, NotPermitted)):
            await attempt(world, each, actor)
        assert await fingerprint(pool) == before, name


def _may_reach(operation: AnyOperation, role: str) -> bool:
    """A key is its user's, and the administrators'."""
    return operation is not users.revoke_key or role == "administrator"


async def test_the_operator_may_do_everything_by_the_command_line(pool: Pool) -> None:
    operator = await seed(pool)
    for each in _OPERATIONS.values():
        world = await make_world(pool, operator)
        if Door.CLI in each.doors:
            await attempt(world, each, await somebody(world, "", Door.CLI))


async def test_what_has_no_door_is_not_done(pool: Pool) -> None:
    operator = await seed(pool)
    for name, each in _OPERATIONS.items():
        for door in set(Door) - each.doors:
            world = await make_world(pool, operator)
            actor = await whoever_may(world, each, door)
            before = await fingerprint(pool)
            with pytest.raises(NotPermitted):
                await attempt(world, each, actor)
            assert await fingerprint(pool) == before, name


async def test_an_actor_who_was_given_less_may_do_less(pool: Pool) -> None:
    operator = await seed(pool)
    for name, each in _OPERATIONS.items():
        world = await make_world(pool, operator)
        whole = await whoever_may(world, each, next(iter(each.doors)))
        other = Permission.VIEW if each.right is not Permission.VIEW else Role.MEMBER
        cut_down = Actor(whole.user, whole.door, whole.address, at_most=frozenset({other}))
        before = await fingerprint(pool)
        with pytest.raises(NotPermitted):
            await attempt(world, each, cut_down)
        assert await fingerprint(pool) == before, name


async def test_each_change_is_one_entry_that_says_who_and_whence(pool: Pool) -> None:
    operator = await seed(pool)
    for name, each in _OPERATIONS.items():
        for door in each.doors:
            world = await make_world(pool, operator)
            actor = await whoever_may(world, each, door)
            before = await entries(pool)
            await attempt(world, each, actor)
            told = (await entries(pool))[len(before) :]
            assert len(told) == (each.record in (Record.ENTRY, Record.CANCELLATION)), (name, door, told)
            for entry in told:
                assert (entry.user_id, entry.origin) == (actor.user_id, actor.origin), name
                assert entry.subject, name


@pytest.mark.parametrize("how", _BREAKS)
async def test_what_cannot_be_written_down_is_not_done(pool: Pool, how: str) -> None:
    operator = await seed(pool)
    worlds = {name: await make_world(pool, operator) for name in _CHANGES}
    actors = {name: await whoever_may(worlds[name], each, min(each.doors)) for name, each in _CHANGES.items()}
    async with pool.connection() as connection:
        await connection.execute(_BREAK.format(_BREAKS[how]))
    before = await fingerprint(pool)
    for name, each in _CHANGES.items():
        with pytest.raises(OutcomeUnknown):
            await attempt(worlds[name], each, actors[name])
        assert await fingerprint(pool) == before, name
