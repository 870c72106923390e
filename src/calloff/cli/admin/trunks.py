"""`calloff admin trunk`."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import TrunkKind, TrunkRecord, TrunkSettings, list_trunks
from calloff.cli.admin.database import at_account, carry_out, on_database
from calloff.cli.admin.limits import CallsPerSecond, MaxConcurrentCalls, number_or_none
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show, show_list
from calloff.config import Settings
from calloff.domain.errors import InvalidInput
from calloff.domain.results import Result
from calloff.operations import trunks as operations
from calloff.wiring.trunk_settings import hide_secrets, seal_settings

trunks = typer.Typer(name="trunk", help="The ways out.", no_args_is_help=True)

_Setting = Annotated[
    list[str] | None,
    typer.Option(
        "--setting",
        metavar="NAME=VALUE",
        help="A setting of its kind, such as uri=sip:carrier.example;transport=tls; NAME= takes it away. Repeatable.",
    ),
]
_Uri = Annotated[str | None, typer.Option(help="sip:host[:port][;transport=udp|tcp|tls]")]
_User = Annotated[str | None, typer.Option(help="User of the From header for calls without a caller ID.")]
_AuthUser = Annotated[str | None, typer.Option(help="User for authentication, if it is another.")]
_CallerIdHeader = Annotated[
    Literal["from", "pai", "rpid"] | None, typer.Option(help="Where the trunk expects the caller ID.")
]
_Srtp = Annotated[bool | None, typer.Option("--srtp/--no-srtp", help="Encrypt the media, or have no call.")]
_Codecs = Annotated[str | None, typer.Option(help="pcmu, pcma or both, by preference, separated by commas.")]
_Password = Annotated[
    str | None, typer.Option(help="Password for authentication; --password-stdin keeps it out of the process list.")
]
_PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
_PasswordEnv = Annotated[
    str | None, typer.Option(metavar="NAME", help="Environment variable of the dialers that holds the password.")
]


@trunks.command("add")
@with_settings("admin")
def add_trunk_command(
    settings: Settings,
    name: str,
    kind: Annotated[TrunkKind, typer.Option(help="What it is.")],
    uri: _Uri = None,
    user: _User = None,
    auth_user: _AuthUser = None,
    caller_id_header: _CallerIdHeader = None,
    srtp: _Srtp = None,
    codecs: _Codecs = None,
    setting: _Setting = None,
    password: _Password = None,
    password_stdin: _PasswordStdin = False,
    password_env: _PasswordEnv = None,
    max_concurrent_calls: MaxConcurrentCalls = None,
    calls_per_second: CallsPerSecond = None,
    as_json: AsJson = False,
) -> None:
    """Add a trunk."""
    changes = _limits(max_concurrent_calls, calls_per_second)
    given = {
        **_given(setting or [], password, password_stdin, password_env),
        **_named(codecs, uri=uri, user=user, auth_user=auth_user, caller_id_header=caller_id_header, srtp=srtp),
    }
    changes |= {"name": name, "settings": given}
    made = carry_out(settings, at_account(None), operations.add_trunk, kind, changes, _seal(settings))
    _show(made, "was added", as_json=as_json)


@trunks.command("list")
@with_settings("admin")
def list_trunks_command(settings: Settings, as_json: AsJson = False) -> None:
    """List the trunks, without their passwords."""
    show_list("trunks", [hide_secrets(trunk) for trunk in on_database(settings, list_trunks)], as_json=as_json)


@trunks.command("set")
@with_settings("admin")
def set_trunk_command(
    settings: Settings,
    trunk_id: int,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    uri: _Uri = None,
    user: _User = None,
    auth_user: _AuthUser = None,
    caller_id_header: _CallerIdHeader = None,
    srtp: _Srtp = None,
    codecs: _Codecs = None,
    setting: _Setting = None,
    password: _Password = None,
    password_stdin: _PasswordStdin = False,
    password_env: _PasswordEnv = None,
    max_concurrent_calls: MaxConcurrentCalls = None,
    calls_per_second: CallsPerSecond = None,
    as_json: AsJson = False,
) -> None:
    """Change settings of a trunk; a dialer uses them within seconds, and lets the calls that are up end as they are."""
    changes = _limits(max_concurrent_calls, calls_per_second)
    if name is not None:
        changes["name"] = name
    given = {
        **_given(setting or [], password, password_stdin, password_env),
        **_named(codecs, uri=uri, user=user, auth_user=auth_user, caller_id_header=caller_id_header, srtp=srtp),
    }
    if not changes and not given:
        raise typer.BadParameter("Give at least one setting to change.")
    if given:
        changes["settings"] = given
    trunk = carry_out(settings, at_account(None), operations.set_trunk, trunk_id, changes, _seal(settings))
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


def _seal(settings: Settings) -> operations.Seal:
    # Opened when a trunk is set: only then has there to be a key.
    return lambda kind, given: seal_settings(kind, given, SecretBox.open(settings.data_dir, settings.secret_key))


def _show(trunk: TrunkRecord, done: str, *, as_json: bool) -> None:
    show(hide_secrets(trunk), f"Trunk {trunk.id} ({trunk.name}) {done}.", as_json=as_json)


def _limits(max_concurrent_calls: str | None, calls_per_second: str | None) -> TrunkSettings:
    changes: TrunkSettings = {}
    if max_concurrent_calls is not None:
        changes["max_concurrent_calls"] = number_or_none(max_concurrent_calls, int, "--max-concurrent-calls")
    if calls_per_second is not None:
        changes["calls_per_second"] = number_or_none(calls_per_second, float, "--calls-per-second")
    return changes


def _named(codecs: str | None, **options: str | bool | None) -> dict[str, Any]:
    """The settings that have options of their own, without those that were left out."""
    named: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return named if codecs is None else {**named, "codecs": codecs.split(",")}


def _given(
    pairs: Sequence[str], password: str | None, password_stdin: bool, password_env: str | None
) -> dict[str, Any]:
    """The settings of the options; None for those to take away."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput(f"--setting needs NAME=VALUE, but {name} has no value.")
        given[name] = _value(value) if value else None
    if password is not None:
        given["password"] = password
    if password_stdin:
        given["password"] = sys.stdin.readline().rstrip("\r\n")
    if password_env is not None:
        given["password_env"] = password_env
    return given


def _value(text: str) -> Any:
    """JSON where it is a list, so that `codecs=["pcma"]` can be said; else the text."""
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            raise InvalidInput("A setting that begins with [ must be a list in JSON.") from None
    return text
