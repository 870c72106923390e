"""`calloff admin trunk`."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import typer

from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import TrunkKind, TrunkLimits, TrunkRecord, TrunkSettings, list_trunks
from calloff.cli.admin.database import at_account, carry_out, on_database
from calloff.cli.changes import with_changes
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show, show_list
from calloff.config import Settings
from calloff.domain.results import Result
from calloff.domain.settings import settings_of
from calloff.operations import trunks as operations
from calloff.wiring.trunk_settings import SETTINGS, hide_secrets, trunk_kinds

trunks = typer.Typer(name="trunk", help="The ways out.", no_args_is_help=True)

_LIMITS = settings_of(TrunkLimits)
_ALL = _LIMITS | SETTINGS["simulated"] | SETTINGS["sip"]

_PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
_PasswordEnv = Annotated[
    str | None, typer.Option(metavar="NAME", help="Environment variable of the dialers that holds the password.")
]


@trunks.command("add")
@with_settings("admin")
@with_changes(_ALL, but=["name"])
def add_trunk_command(
    settings: Settings,
    changes: dict[str, Any],
    name: str,
    kind: Annotated[TrunkKind, typer.Option(help="What it is.")],
    password_stdin: _PasswordStdin = False,
    password_env: _PasswordEnv = None,
    as_json: AsJson = False,
) -> None:
    """Add a trunk."""
    given = _sorted({**changes, "name": name}, password_stdin, password_env)
    made = carry_out(settings, at_account(None), operations.add_trunk, kind, given, _kinds(settings).seal)
    _show(made, "was added", as_json=as_json)


@trunks.command("list")
@with_settings("admin")
def list_trunks_command(settings: Settings, as_json: AsJson = False) -> None:
    """List the trunks, without their passwords."""
    show_list("trunks", [hide_secrets(trunk) for trunk in on_database(settings, list_trunks)], as_json=as_json)


@trunks.command("set")
@with_settings("admin")
@with_changes(_ALL)
def set_trunk_command(
    settings: Settings,
    changes: dict[str, Any],
    trunk_id: int,
    password_stdin: _PasswordStdin = False,
    password_env: _PasswordEnv = None,
    as_json: AsJson = False,
) -> None:
    """Change settings of a trunk; a dialer uses them within seconds, and lets the calls that are up end as they are."""
    given = _sorted(changes, password_stdin, password_env)
    if not given:
        raise typer.BadParameter("Give at least one setting to change.")
    trunk = carry_out(settings, at_account(None), operations.set_trunk, trunk_id, given, _kinds(settings).seal)
    _show(trunk, "is set", as_json=as_json)


@trunks.command("test")
@with_settings("dialer")
def place_test_call_command(
    settings: Settings,
    name: str,
    number: str,
    caller_id: Annotated[str | None, typer.Option(help="Number to show.")] = None,
) -> None:
    """Place one call over the trunk and print each event as it comes; the exit code is 0 if somebody answered."""
    # Only this needs the parts of a dialer, which take longer to load than any other command takes.
    from calloff.wiring.test_call import place_test_call

    def tell(words: str) -> None:
        typer.echo(f"{datetime.now(UTC):%H:%M:%S.%f} {words}")

    ended = asyncio.run(place_test_call(settings, name, number, caller_id, tell))
    if ended.result is not Result.ANSWERED:
        raise typer.Exit(1)


def _kinds(settings: Settings) -> operations.TrunkKinds:
    return trunk_kinds(lambda: SecretBox.open(settings.data_dir, settings.secret_key))


def _show(trunk: TrunkRecord, done: str, *, as_json: bool) -> None:
    show(hide_secrets(trunk), f"Trunk {trunk.id} ({trunk.name}) {done}.", as_json=as_json)


def _sorted(changes: dict[str, Any], password_stdin: bool, password_env: str | None) -> TrunkSettings:
    """What was given, with the settings of the trunk's kind apart."""
    of_its_kind = {name: value for name, value in changes.items() if name not in _LIMITS}
    if password_stdin:
        of_its_kind["password"] = sys.stdin.readline().rstrip("\r\n")
    if password_env is not None:
        of_its_kind["password_env"] = password_env
    given = {name: value for name, value in changes.items() if name in _LIMITS}
    return cast(TrunkSettings, {**given, "settings": of_its_kind} if of_its_kind else given)
