"""Applications: created, renamed, shared and deleted."""

from collections.abc import Collection

from calloff.accounts import applications, permissions
from calloff.accounts.access import Permission
from calloff.accounts.applications import Application
from calloff.accounts.deployments import delete_deployment
from calloff.accounts.permissions import Share
from calloff.operations.access import ApplicationAccess, Door, Role
from calloff.operations.operation import Act, operation
from calloff.operations.users import UserAccess


@operation("create an application", Role.MEMBER, Door.CONSOLE, Door.CLI)
async def add_application(act: Act[UserAccess], name: str) -> Application:
    """Make an application that the user owns. Raises `InvalidInput`, and `NotFound` for a user who was shut out."""
    async with act.change() as change:
        application = await applications.add_application(change.connection, act.access.user.id, name)
        change.subject = f"application {application.id}"
    return application


@operation("rename an application", Permission.ADMINISTER, Door.CONSOLE)
async def rename_application(act: Act[ApplicationAccess], name: str) -> Application:
    """Give the application another name. Raises `InvalidInput`."""
    async with act.change() as change:
        before = await applications.lock_application(change.connection, act.access.application_id)
        after = await applications.rename_application(change.connection, act.access.application_id, name)
        change.values = {"name": (before.name, after.name)}
    return after


@operation("share an application", Permission.ADMINISTER, Door.CONSOLE, Door.CLI)
async def share_application(act: Act[ApplicationAccess], user_id: int, wanted: Collection[Permission]) -> Share:
    """Let a user of the account do exactly that with the application. Raises `NotFound`."""
    async with act.change() as change:
        share = await permissions.share_application(change.connection, act.access.application_id, user_id, wanted)
        change.subject = share.subject
    return share


@operation("delete an application", Permission.ADMINISTER, Door.CONSOLE, Door.CLI, even_deleted=True)
async def delete_application(act: Act[ApplicationAccess]) -> None:
    """Delete the application with its deployments, and call off what is pending in each.

    Raises `Deleted` if nothing of it was left, or `OutcomeUnknown`: then it has to be asked for again, and goes on
    where it ended.
    """
    async with act.change() as change:
        live = await applications.delete_application(change.connection, act.access.application_id)
    actor = act.access.actor
    for deployment in live:
        # Each is one commit, which its cancellation tells of: no queue waits for another's lock.
        await delete_deployment(act.pool, deployment.id, user_id=actor.user_id, origin=actor.origin)
