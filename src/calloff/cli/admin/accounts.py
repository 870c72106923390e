"""`calloff admin account`, `user` and `key`."""

from typing import Annotated, Any, cast

import typer

from calloff.accounts.accounts import list_accounts
from calloff.accounts.keys import list_keys
from calloff.accounts.limits import Limits
from calloff.accounts.users import find_user, list_users
from calloff.cli.admin.database import at_account, at_key, at_user, carry_out, on_database
from calloff.cli.changes import with_changes
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show, show_list, show_values
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.domain.settings import settings_of
from calloff.operations import accounts as operations
from calloff.operations import users as user_operations

accounts = typer.Typer(name="account", help="Tenants.", no_args_is_help=True)
users = typer.Typer(name="user", help="Who may sign in.", no_args_is_help=True)
keys = typer.Typer(name="key", help="What programs sign in with.", no_args_is_help=True)

UserName = Annotated[str, typer.Argument(metavar="USER", help="ID or e-mail address.")]


@accounts.command("add")
@with_settings("admin")
def add_account_command(settings: Settings, name: str, as_json: AsJson = False) -> None:
    """Make an account."""
    account = carry_out(settings, at_account(None), operations.add_account, name)
    show(account, f"Account {account.id} ({account.name}) was made.", as_json=as_json)


@accounts.command("list")
@with_settings("admin")
def list_accounts_command(settings: Settings, as_json: AsJson = False) -> None:
    """List the accounts."""
    show_list("accounts", on_database(settings, list_accounts), as_json=as_json)


@accounts.command("limit")
@with_settings("admin")
@with_changes(settings_of(Limits))
def limit_account_command(
    settings: Settings,
    changes: dict[str, Any],
    account_id: int,
    as_json: AsJson = False,
) -> None:
    """Limit what all deployments of an account do together; what is left out stays as it is."""
    account = carry_out(settings, at_account(account_id), operations.limit_account, cast(Limits, changes))
    show(account, f"Account {account.id} ({account.name}) is limited.", as_json=as_json)


@accounts.command("country")
@with_settings("admin")
def set_country_command(
    settings: Settings,
    account_id: int,
    country: Annotated[str, typer.Argument(help="Two letters, like US or DE.")],
    as_json: AsJson = False,
) -> None:
    """Read an account's numbers without a country code as those of a country."""
    account = carry_out(settings, at_account(account_id), operations.set_country, country.upper())
    show(account, f"Numbers of account {account.id} ({account.name}) are read in {account.country}.", as_json=as_json)


@accounts.command("deactivate")
@with_settings("admin")
def deactivate_account_command(settings: Settings, account_id: int, as_json: AsJson = False) -> None:
    """Shut an account out and stop its dialing at once."""
    account = carry_out(settings, at_account(account_id), operations.deactivate_account)
    show(account, f"Account {account.id} ({account.name}) is shut out, and dials nobody any more.", as_json=as_json)


@accounts.command("reactivate")
@with_settings("admin")
def reactivate_account_command(settings: Settings, account_id: int, as_json: AsJson = False) -> None:
    """Let an account in again; its deployments stay paused until each is resumed."""
    account = carry_out(settings, at_account(account_id), operations.reactivate_account)
    show(account, f"Account {account.id} ({account.name}) is let in again; resume its deployments.", as_json=as_json)


@users.command("add")
@with_settings("admin")
def add_user_command(
    settings: Settings,
    email: str,
    account: Annotated[int, typer.Option(help="ID of the account.")],
    administrator: Annotated[bool, typer.Option("--administrator", help="May do everything in the account.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a user to an account."""
    place = at_account(account)
    user = carry_out(settings, place, user_operations.add_user, email, is_administrator=administrator)
    show(
        user,
        f"User {user.id} ({user.email}) was added. Make a key with: calloff admin key add {user.id}",
        as_json=as_json,
    )


@users.command("list")
@with_settings("admin")
def list_users_command(
    settings: Settings,
    account: Annotated[int | None, typer.Option(help="ID of an account; else of all accounts.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the users."""
    show_list("users", on_database(settings, lambda pool: list_users(pool, account_id=account)), as_json=as_json)


@users.command("role")
@with_settings("admin")
def change_role_command(
    settings: Settings,
    user: UserName,
    administrator: Annotated[bool, typer.Option("--administrator/--user", help="May do everything in the account.")],
    as_json: AsJson = False,
) -> None:
    """Make a user an administrator of the account, or a user again."""
    found = carry_out(settings, at_user(user), user_operations.set_role, is_administrator=administrator)
    role = "an administrator" if administrator else "a user"
    show(found, f"User {found.id} ({found.email}) is {role} now.", as_json=as_json)


@users.command("deactivate")
@with_settings("admin")
def deactivate_user_command(settings: Settings, user: UserName, as_json: AsJson = False) -> None:
    """Shut a user out, at once and with every key."""
    found = carry_out(settings, at_user(user), user_operations.deactivate_user)
    show(found, f"User {found.id} ({found.email}) is shut out.", as_json=as_json)


@users.command("reactivate")
@with_settings("admin")
def reactivate_user_command(settings: Settings, user: UserName, as_json: AsJson = False) -> None:
    """Let a user in again, with the same keys and password."""
    found = carry_out(settings, at_user(user), user_operations.reactivate_user)
    show(found, f"User {found.id} ({found.email}) is let in again.", as_json=as_json)


@users.command("password")
@with_settings("admin")
def reset_password_command(settings: Settings, user: UserName, as_json: AsJson = False) -> None:
    """Give a user a first password for the console, which is shown this once and has to be changed at the sign-in."""
    email, password = carry_out(settings, at_user(user), user_operations.reset_password)
    sentence = f"The first password of {email} is shown this once:\n{password}"
    show_values({"email": email, "password": password}, sentence, as_json=as_json)


@keys.command("add")
@with_settings("admin")
def add_key_command(settings: Settings, user: UserName, as_json: AsJson = False) -> None:
    """Give a user one more developer key, which is shown this once."""
    key = carry_out(settings, at_user(user), user_operations.add_key)
    show(key, f"Key {key.id} is shown this once:\n{key.developer_key}", as_json=as_json)


@keys.command("list")
@with_settings("admin")
def list_keys_command(settings: Settings, user: UserName, as_json: AsJson = False) -> None:
    """List a user's keys, without what opens."""

    async def work(pool: Pool) -> None:
        show_list("keys", await list_keys(pool, (await find_user(pool, user)).id), as_json=as_json)

    on_database(settings, work)


@keys.command("revoke")
@with_settings("admin")
def revoke_key_command(settings: Settings, key_id: int, as_json: AsJson = False) -> None:
    """Let a key open nothing any more."""
    key = carry_out(settings, at_key(key_id), user_operations.revoke_key)
    show(key, f"Key {key.id} is revoked.", as_json=as_json)
