"""The way of the admin commands to the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeAlias, TypeVar

from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.operations.access import (
    OPERATOR,
    Access,
    ApplicationAccess,
    DeploymentAccess,
    to_account,
    to_application,
    to_deployment,
)
from calloff.operations.operation import Operation
from calloff.operations.users import KeyAccess, UserAccess, to_key, to_user
from calloff.wiring.database import database

T = TypeVar("T")
A = TypeVar("A", bound=Access)
P = ParamSpec("P")
R = TypeVar("R")
To: TypeAlias = Callable[[Pool], Awaitable[A]]
"""How an access of the operator's to a place is had."""

NO_APPLICATION = "No application was found by that id. List the applications."
NO_DEPLOYMENT = "No deployment was found by that id. List the deployments."


def on_database(settings: Settings, work: Callable[[Pool], Awaitable[T]]) -> T:
    """The result of `work` on the database of these settings. Raises `NotConfigured` if it cannot be reached."""

    async def run() -> T:
        async with database(settings) as pool:
            return await work(pool)

    return asyncio.run(run())


def carry_out(settings: Settings, to: To[A], operation: Operation[A, P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What comes of an operation that the operator carries out at that place."""

    async def work(pool: Pool) -> R:
        return await operation(pool, await to(pool), *args, **kwargs)

    return on_database(settings, work)


def at_deployment(deployment_id: int) -> To[DeploymentAccess]:
    """At a deployment, for `carry_out`."""
    return lambda pool: to_deployment(pool, OPERATOR, deployment_id, missing=NO_DEPLOYMENT)


def at_application(application_id: int) -> To[ApplicationAccess]:
    """At an application."""
    return lambda pool: to_application(pool, OPERATOR, application_id, missing=NO_APPLICATION)


def at_account(account_id: int | None) -> To[Access]:
    """In an account; None for what is no single account's."""
    return lambda pool: to_account(pool, OPERATOR, account_id)


def at_user(user: str) -> To[UserAccess]:
    """At a user, by ID or e-mail address."""
    return lambda pool: to_user(pool, OPERATOR, user)


def at_key(key_id: int) -> To[KeyAccess]:
    """At a developer key."""
    return lambda pool: to_key(pool, OPERATOR, key_id)
