"""What makes a function an operation: its name, the right that it needs, the doors that lead to it, and its record.

    @operation("pause", Permission.CANCEL, Door.API, Door.CONSOLE, Door.CLI)
    async def pause(act: Act[DeploymentAccess]) -> None:
        async with act.change() as change:
            ...  # on change.connection, or raise: then nothing has happened

    await pause(pool, access)

The entry in the audit log is written in the transaction of `act.change()` and commits with it. What has to be a single
statement, because it holds a queue's lock, takes `act.entry()` into that statement instead.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from calloff.accounts.audit import write_entry
from calloff.db.certain import certainly
from calloff.db.pool import Connection, Pool
from calloff.domain.entries import Entry
from calloff.domain.errors import NotPermitted
from calloff.operations.access import Access, Door, Right, check

A_co = TypeVar("A_co", bound=Access, covariant=True)
A = TypeVar("A", bound=Access)
P = ParamSpec("P")
R = TypeVar("R")


class Record(Enum):
    """What is left of an operation."""

    ENTRY = "an entry of the audit log"
    CANCELLATION = "its cancellation, which says who, when and from where"
    CALL = "the call that it makes"
    NOTHING = "none: it only looks"


@dataclass(slots=True)
class Change:
    """A transaction that commits together with its entry in the audit log."""

    connection: Connection
    action: str
    """The operation's name, until it is set to a narrower one."""
    subject: str
    """What is changed; the place, until it is set to something else."""
    account_id: int | None
    """Whom it concerns; the account of the place, until it is set to something else."""
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Of each setting that changed, what it was and what it is."""


@dataclass(frozen=True, slots=True)
class Act(Generic[A_co]):
    """One operation that somebody carries out at a place where they may."""

    pool: Pool
    access: A_co
    action: str

    @property
    def account_id(self) -> int:
        """Of the account that the place is in, where there has to be one."""
        assert self.access.account_id is not None
        return self.access.account_id

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """A transaction for what is changed. Leaving the block commits it together with its entry.

        Raises `OutcomeUnknown` if the server did not confirm: then both have happened, or neither.
        """
        async with certainly(self.pool) as connection, connection.transaction():
            change = Change(connection, self.action, self.access.subject, self.access.account_id)
            yield change
            actor = self.access.actor
            await write_entry(
                connection,
                Entry(change.account_id, actor.user_id, actor.origin, change.action, change.subject, change.values),
            )

    def entry(self, subject: str | None = None) -> Entry:
        """The entry, for a statement that writes it together with what it does; `subject` is the place unless given."""
        actor = self.access.actor
        return Entry(self.access.account_id, actor.user_id, actor.origin, self.action, subject or self.access.subject)


@dataclass(frozen=True, slots=True)
class Operation(Generic[A, P, R]):
    """Something that can be changed or asked for. Call it with a pool, an access to the place, and what is to be done.

    Whoever calls it gets what its function returns, or `NotPermitted`, `Deleted`, or what the function raises.
    """

    function: Callable[Concatenate[Act[A], P], Awaitable[R]] = field(repr=False)
    action: str
    """The name that the audit log gives it."""
    right: Right
    doors: frozenset[Door]
    record: Record
    even_deleted: bool
    """Whether it can be done where something was deleted."""

    def check(self, access: Access) -> None:
        """Raises `NotPermitted` or `Deleted` if it may not be done with this access: for doors, before they read on."""
        if access.actor.door not in self.doors:
            raise NotPermitted(f"This cannot be done by the door {access.actor.door}. Use {' or '.join(self.doors)}.")
        check(access, [self.right], even_deleted=self.even_deleted)

    async def __call__(self, pool: Pool, access: A, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do it, if the access permits it."""
        self.check(access)
        return await self.function(Act(pool, access, self.action), *args, **kwargs)


def operation(
    action: str, right: Right, *doors: Door, record: Record = Record.ENTRY, even_deleted: bool = False
) -> Callable[[Callable[Concatenate[Act[A], P], Awaitable[R]]], Operation[A, P, R]]:
    """Make a function an operation that needs `right` at its place, and is reached by these doors."""

    def decorate(function: Callable[Concatenate[Act[A], P], Awaitable[R]]) -> Operation[A, P, R]:
        return Operation(function, action, right, frozenset(doors), record, even_deleted)

    return decorate
