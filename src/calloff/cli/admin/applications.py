"""`calloff admin app` and `share`."""

from typing import Annotated

import typer

from calloff.accounts.access import Permission
from calloff.accounts.applications import list_applications
from calloff.accounts.permissions import Share
from calloff.accounts.users import find_user
from calloff.cli.admin.accounts import UserName
from calloff.cli.admin.database import at_application, at_user, carry_out, on_database
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show, show_list, show_values
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.operations import applications as operations

applications = typer.Typer(name="app", help="What accounts call for.", no_args_is_help=True)


@applications.command("add")
@with_settings("admin")
def add_application_command(
    settings: Settings,
    name: str,
    owner: Annotated[str, typer.Option(help="ID or e-mail address of the user who owns it.")],
    as_json: AsJson = False,
) -> None:
    """Make an application in the account of its owner."""
    made = carry_out(settings, at_user(owner), operations.add_application, name)
    show(made, f"Application {made.id} ({made.name}) was made.", as_json=as_json)


@applications.command("list")
@with_settings("admin")
def list_applications_command(
    settings: Settings,
    account: Annotated[int | None, typer.Option(help="ID of an account; else of all accounts.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the applications, deleted ones too."""
    found = on_database(settings, lambda pool: list_applications(pool, account_id=account))
    show_list("applications", found, as_json=as_json)


@applications.command("delete")
@with_settings("admin")
def delete_application_command(settings: Settings, application_id: int, as_json: AsJson = False) -> None:
    """Delete an application with its deployments, and call off everything that is pending there."""
    carry_out(settings, at_application(application_id), operations.delete_application)
    sentence = f"Application {application_id} is deleted, and what was pending there is called off."
    show_values({"id": application_id}, sentence, as_json=as_json)


@with_settings("admin")
def share(
    settings: Settings,
    application_id: int,
    user: UserName,
    view: Annotated[bool, typer.Option("--view", help="Permit to read calls.")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="Permit to queue calls.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Permit to call calls off.")] = False,
    administer: Annotated[bool, typer.Option("--administer", help="Permit to change settings.")] = False,
    nothing: Annotated[bool, typer.Option("--nothing", help="Take every permission away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a user of the same account do exactly this with an application."""
    wanted = {"view": view, "queue": queue, "cancel": cancel, "administer": administer}
    if nothing == any(wanted.values()):
        raise typer.BadParameter("Give --view, --queue, --cancel, --administer or several of them, or else --nothing.")
    permissions = [permission for permission in Permission if wanted[permission]]

    async def work(pool: Pool) -> Share:
        found = await find_user(pool, user)
        access = await at_application(application_id)(pool)
        return await operations.share_application(pool, access, found.id, permissions)

    made = on_database(settings, work)
    words = ", ".join(permissions) or "nothing"
    show(made, f"User {made.user_id} may {words} in application {made.application_id}.", as_json=as_json)
