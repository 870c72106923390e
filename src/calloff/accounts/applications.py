"""Applications: what an account calls for, each run by one or more deployments."""

from dataclasses import dataclass
from datetime import datetime

from calloff.accounts.deployments import Deployment, list_deployments
from calloff.accounts.rows import check_name, fetch_all, fetch_one
from calloff.db.pool import Connection
from calloff.db.source import Source
from calloff.domain.errors import Deleted, NotFound


@dataclass(frozen=True, slots=True)
class Application:
    """One application of an account."""

    id: int
    account_id: int
    owner_user_id: int
    """May do everything with it."""
    name: str
    created_at: datetime
    deleted_at: datetime | None


async def add_application(source: Source, owner_user_id: int, name: str) -> Application:
    """Make an application in the account of its owner. Raises `NotFound` if there is no such active user."""
    application = await fetch_one(
        source, Application, "add_application", {"owner_user_id": owner_user_id, "name": check_name(name)}
    )
    if application is None:
        raise NotFound("No such active user was found to own the application. List the users.")
    return application


async def list_applications(source: Source, *, account_id: int | None = None) -> list[Application]:
    """Every application of the account, or of all accounts, deleted ones too."""
    return await fetch_all(source, Application, "list_applications", {"account_id": account_id})


async def lock_application(connection: Connection, application_id: int) -> Application:
    """That application, which nobody else changes until the transaction is over. Raises `NotFound`."""
    application = await fetch_one(connection, Application, "lock_application", {"application_id": application_id})
    if application is None:
        raise NotFound("No application was found by that id. List the applications.")
    return application


async def rename_application(source: Source, application_id: int, name: str) -> Application:
    """Give the application another name. Raises `NotFound` if there is no such application, or it was deleted."""
    parameters = {"application_id": application_id, "name": check_name(name)}
    application = await fetch_one(source, Application, "rename_application", parameters)
    if application is None:
        raise NotFound("No application was found by that id. List the applications.")
    return application


async def delete_application(source: Source, application_id: int) -> list[Deployment]:
    """Delete the application, and return the deployments that are yet to be deleted.

    Raises `NotFound`, or `Deleted` if nothing of it was left.
    """
    application = await fetch_one(source, Application, "delete_application", {"application_id": application_id})
    if application is None:
        raise NotFound("No application was found by that id. List the applications.")
    found = await list_deployments(source, application_id=application_id)
    live = [each for each in found if each.deleted_at is None]
    if application.deleted_at is not None and not live:
        raise Deleted("This application was deleted before.")
    return live
