"""Applications: what an account calls for, each run by one or more deployments."""

from dataclasses import dataclass
from datetime import datetime

from calloff.accounts.deployments import delete_deployment, list_deployments
from calloff.accounts.rows import Source, check_name, fetch_all, fetch_one
from calloff.db.pool import Pool
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


async def rename_application(source: Source, application_id: int, name: str) -> Application:
    """Give the application another name. Raises `NotFound` if there is no such application, or it was deleted."""
    parameters = {"application_id": application_id, "name": check_name(name)}
    application = await fetch_one(source, Application, "rename_application", parameters)
    if application is None:
        raise NotFound("No application was found by that id. List the applications.")
    return application


async def delete_application(pool: Pool, application_id: int, *, user_id: int | None, origin: str) -> Application:
    """Delete the application with its deployments, and call off what is pending in each.

    Raises `NotFound`, `Deleted` if nothing of it was left, or `OutcomeUnknown`: then it has to be asked for again, and
    goes on where it ended.
    """
    application = await fetch_one(pool, Application, "delete_application", {"application_id": application_id})
    if application is None:
        raise NotFound("No application was found by that id. List the applications.")
    live = [each for each in await list_deployments(pool, application_id=application_id) if each.deleted_at is None]
    if application.deleted_at is not None and not live:
        raise Deleted("This application was deleted before.")
    for deployment in live:
        await delete_deployment(pool, deployment.id, user_id=user_id, origin=origin)
    return application
