"""Who is asking, by which door, and what they may do at a place: in an account, an application or a deployment.

An `Access` is made once a request, when a door finds the place that its path names. Operations check it, so that the
order of the contract (404, then 403, then the body) costs one look at the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from calloff.accounts.access import (
    Found,
    Permission,
    User,
    find_application_access,
    find_deployment_access,
    is_operator,
)
from calloff.accounts.accounts import NO_ACCOUNT, find_account
from calloff.db.pool import Pool
from calloff.domain.errors import NO_DEPLOYMENT, Deleted, NotFound, NotPermitted

NO_APPLICATION = "No application was found by that application id."


class Door(StrEnum):
    """Where somebody comes in."""

    API = "api"
    CONSOLE = "console"
    CLI = "command line"


class Role(StrEnum):
    """What somebody is in an account, beside what they may do with its applications."""

    MEMBER = "member"
    """One of its users."""
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    """An administrator of the server's first account, or whoever has its command line."""


Right: TypeAlias = Permission | Role
EVERYTHING: frozenset[Right] = frozenset([*Permission, *Role])


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, by which door, from where, and what they may do at most."""

    user: User | None
    """None for the operator's command line."""
    door: Door
    address: str | None = None
    """The client's, if there is one."""
    at_most: frozenset[Right] = EVERYTHING
    """What the user's own rights are cut down to."""

    @property
    def user_id(self) -> int | None:
        """Of the user, if it is one."""
        return self.user.user_id if self.user else None

    @property
    def origin(self) -> str:
        """From where, as receipts and the audit log keep it: `api 192.0.2.1`, `command line`."""
        return str(self.door) if self.address is None else f"{self.door} {self.address}"


OPERATOR = Actor(None, Door.CLI)
"""Whoever has the command line on the server, who may do everything."""


@dataclass(frozen=True, slots=True)
class Access:
    """What an actor may do in an account."""

    actor: Actor
    account_id: int | None
    """None for what is no single account's."""
    may: frozenset[Right]

    @property
    def subject(self) -> str:
        """How the audit log names the place."""
        return f"account {self.account_id}" if self.account_id is not None else ""

    def refusal(self, right: Right) -> str:
        """What to say to whoever lacks that right here."""
        if right is Role.OPERATOR:
            return "Only the operator's account may do this. Ask the operator."
        return "Only an administrator of the account may do this. Ask one of them."


@dataclass(frozen=True, slots=True)
class ApplicationAccess(Access):
    """What an actor may do with an application."""

    account_id: int
    application_id: int
    is_deleted: bool = field(kw_only=True)

    @property
    def subject(self) -> str:
        """How the audit log names the place."""
        return f"application {self.application_id}"

    @property
    def was_deleted(self) -> str:
        """What to say of a place that was there once."""
        return "This application was deleted. Use another one."

    def refusal(self, right: Right) -> str:
        """What to say to whoever lacks that right here."""
        return f"You are not permitted to {right} this application. Ask its owner to share it."


@dataclass(frozen=True, slots=True)
class DeploymentAccess(ApplicationAccess):
    """What an actor may do with a deployment."""

    deployment_id: int
    country: str = field(kw_only=True)
    """Of the account: in which its numbers without a country code are read."""

    @property
    def subject(self) -> str:
        """How the audit log names the place."""
        return f"deployment {self.deployment_id}"

    @property
    def was_deleted(self) -> str:
        """What to say of a place that was there once."""
        return "This application or deployment was deleted. Use another deployment."

    def refusal(self, right: Right) -> str:
        """What to say to whoever lacks that right here."""
        return f"You are not permitted to {right} in this application. Ask its owner to share it."


async def to_account(pool: Pool, actor: Actor, account_id: int | None = None) -> Access:
    """The access to that account; to the actor's own if it is None. Others' exist for the operator only: `NotFound`.

    The operator's command line is in no account of its own.
    """
    if actor.user is None:
        if account_id is not None:
            await find_account(pool, account_id)
        return Access(actor, account_id, EVERYTHING & actor.at_most)
    roles: set[Right] = {Role.MEMBER}
    if actor.user.is_administrator:
        roles.add(Role.ADMINISTRATOR)
        if await is_operator(pool, actor.user):
            roles.add(Role.OPERATOR)
    if account_id is not None and account_id != actor.user.account_id:
        if Role.OPERATOR not in roles:
            raise NotFound(NO_ACCOUNT)
        await find_account(pool, account_id)
    return Access(actor, actor.user.account_id if account_id is None else account_id, actor.at_most & roles)


async def to_application(
    pool: Pool, actor: Actor, application_id: int, *, missing: str = NO_APPLICATION
) -> ApplicationAccess:
    """The access to an application.

    Raises `NotFound` with the words of `missing` if it does not exist or is another account's.
    """
    row = await find_application_access(pool, actor.user, application_id)
    if row is None:
        raise NotFound(missing)
    return ApplicationAccess(actor, row.account_id, _rights(actor, row), application_id, is_deleted=row.is_deleted)


async def to_deployment(
    pool: Pool, actor: Actor, deployment_id: int, *, application_id: int | None = None, missing: str = NO_DEPLOYMENT
) -> DeploymentAccess:
    """The access to a deployment, of that application if one is named.

    Raises `NotFound` with the words of `missing` if it does not exist or is another account's.
    """
    row = await find_deployment_access(pool, actor.user, deployment_id)
    if row is None or application_id not in (None, row.application_id):
        raise NotFound(missing)
    return DeploymentAccess(
        actor,
        row.account_id,
        _rights(actor, row),
        row.application_id,
        deployment_id,
        is_deleted=row.is_deleted,
        country=row.country,
    )


def _rights(actor: Actor, found: Found) -> frozenset[Right]:
    """Of the place that was found, and of the account that it is in."""
    if actor.user is None:
        return EVERYTHING & actor.at_most
    roles = {Role.MEMBER, Role.ADMINISTRATOR} if actor.user.is_administrator else {Role.MEMBER}
    return (found.may | roles) & actor.at_most


def check(access: Access, rights: Iterable[Right], *, even_deleted: bool = False) -> None:
    """Raises `NotPermitted` unless the access has one of these rights, and `Deleted` for what was there once."""
    wanted = tuple(rights)
    if access.may.isdisjoint(wanted):
        raise NotPermitted(access.refusal(wanted[0]))
    if isinstance(access, ApplicationAccess) and access.is_deleted and not even_deleted:
        raise Deleted(access.was_deleted)
