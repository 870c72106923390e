"""`calloff cancel`: says what it will call off, asks, and shows the receipt."""

import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from calloff.cli.client import ask
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_values
from calloff.config import Settings
from calloff.domain.errors import CalloffError, InvalidInput

_MOST = 200
"""Waiting calls that are counted for the question: one page of the API."""


@with_settings("client")
def cancel(
    settings: Settings,
    call_id: Annotated[str | None, typer.Argument(metavar="[CALL_ID]")] = None,
    app: Annotated[int, typer.Option("--app", help="ID of the application.")] = 1,
    deployment: Annotated[
        int | None, typer.Option(help="ID of the deployment whose pending calls to call off.")
    ] = None,
    list_id: Annotated[
        int | None, typer.Option("--list", help="ID of the list whose pending calls to call off.")
    ] = None,
    hang_up: Annotated[
        bool, typer.Option("--hang-up", help="With --deployment, end what is dialing or connected, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Call off one call, with --list a list, or with --deployment everything that is pending in a deployment."""
    if [call_id, deployment, list_id].count(None) < 2 or (hang_up and deployment is None and (call_id or list_id)):
        raise InvalidInput("Name a call, --list or --deployment, and only one; --hang-up goes with --deployment.")
    if list_id is not None:
        _cancel_list(settings, list_id, yes=yes, as_json=as_json)
    elif call_id is not None:
        _cancel_call(settings, call_id, as_json=as_json)
    elif deployment is not None:
        _cancel_deployment(settings, app, deployment, hang_up=hang_up, yes=yes, as_json=as_json)
    else:
        # A script's variable was empty: what it meant was never everything.
        raise InvalidInput("Nothing was named, and nothing is called off. Name a call's ID, --list or --deployment.")


def _cancel_call(settings: Settings, call_id: str, *, as_json: bool) -> None:
    if not (call_id.isascii() and call_id.isdecimal()):
        raise InvalidInput("That is no ID of a call, and nothing is called off. Name one in digits.")
    ask(settings, "DELETE", f"/api/outbound/{int(call_id)}")
    show_values({"id": str(int(call_id))}, f"Call {int(call_id)} is called off.", as_json=as_json)


def _cancel_list(settings: Settings, list_id: int, *, yes: bool, as_json: bool) -> None:
    path = f"/api/lists/{list_id}"
    if not yes:
        found = ask(settings, "GET", path)["list"]
        what = f"list {list_id} ({found['name']}) of deployment {found['deployment_id']}"
        if not sys.stdin.isatty():
            raise InvalidInput(
                f"This would call off {what}: {found['waiting']} wait. Nobody can be asked here; add --yes."
            )
        typer.confirm(f"Call off {what}? {found['waiting']} wait.", abort=True, err=True)
    ask(settings, "DELETE", path)
    found = None
    # Those who may call off need not be allowed to look.
    with suppress(CalloffError):
        found = ask(settings, "GET", path)["list"]
    sentence = f"List {list_id} is called off."
    if found is not None:
        sentence += f" {found['results'].get('canceled', 0)} calls will not ring."
    show_values({"list_id": str(list_id), "list": found}, sentence, as_json=as_json)


def _cancel_deployment(
    settings: Settings, app: int, deployment: int, *, hang_up: bool, yes: bool, as_json: bool
) -> None:
    path = f"/api/apps/{app}/{deployment}"
    which = "pending or in progress" if hang_up else "pending"
    what = f"everything that is {which} in deployment {deployment} of application {app}"
    if not yes:
        waiting = ask(settings, "GET", f"{path}/calls", params={"status": "queued", "limit": _MOST})["calls"]
        count = f"{_MOST} calls or more wait" if len(waiting) == _MOST else f"{len(waiting)} wait"
        if not sys.stdin.isatty():
            raise InvalidInput(f"This would call off {what}: {count}. Nobody can be asked here; add --yes.")
        typer.confirm(f"Call off {what}? {count}.", abort=True, err=True)
    ask(settings, "DELETE", f"{path}/cancel", params={"in_progress": "hang_up"} if hang_up else None)
    receipt = _receipt(settings, path)
    sentence = f"{what[0].upper()}{what[1:]} is called off."
    if receipt is not None:
        sentence += f"\nReceipt {receipt['cancellation_id']}: {receipt['canceled_calls']} calls, {receipt['origin']}."
    values = {"application_id": app, "deployment_id": deployment, "receipt": receipt}
    show_values(values, sentence, as_json=as_json)


def _receipt(settings: Settings, path: str) -> dict[str, Any] | None:
    """The newest receipt of the deployment; None for those who may call off and not look."""
    with suppress(CalloffError):
        found: list[dict[str, Any]] = ask(settings, "GET", f"{path}/cancellations", params={"limit": 1})[
            "cancellations"
        ]
        return found[0] if found else None
    return None
