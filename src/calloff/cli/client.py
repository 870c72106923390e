"""`calloff call`, `status`, `watch` and `trace`: clients of the API. (`cancel` is in `cancel.py`.)"""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_values
from calloff.config import Settings
from calloff.domain.errors import CalloffError, InvalidInput, NotConfigured, OutcomeUnknown
from calloff.wiring.credentials import read_credentials

_OVER = ("completed", "failed", "canceled")
_POLL = 0.5
_NEWEST = 100

AppId = Annotated[int, typer.Option("--app", help="ID of the application.")]
DeploymentId = Annotated[int, typer.Option(help="ID of the deployment.")]
StartTimestamp = Annotated[int | None, typer.Option(help="When to begin dialing, in Unix seconds.")]
EndTimestamp = Annotated[int | None, typer.Option(help="When to stop, in Unix seconds.")]
MaxAttempts = Annotated[int | None, typer.Option(help="How often to try: 1 to 10.")]
ReattemptWait = Annotated[int | None, typer.Option(help="Seconds between two attempts: 60 to 86400.")]
_CallId = Annotated[int, typer.Argument(metavar="CALL_ID")]
_MaybeCallId = Annotated[int | None, typer.Argument(metavar="[CALL_ID]")]


def add_client_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    for command in (call, status, watch, trace):
        app.command()(command)


@with_settings("client")
def call(
    settings: Settings,
    phone_number: str,
    app: AppId = 1,
    deployment: DeploymentId = 1,
    start_timestamp: StartTimestamp = None,
    end_timestamp: EndTimestamp = None,
    max_attempts: MaxAttempts = None,
    reattempt_wait: ReattemptWait = None,
    result_url: Annotated[str | None, typer.Option(help="Where to send the result.")] = None,
    pci: Annotated[bool, typer.Option("--pci", help="Keep the number out of logs.")] = False,
    variable: Annotated[
        list[str] | None, typer.Option("--variable", metavar="NAME=VALUE", help="For the application. Repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Queue one call."""
    given = call_fields(
        start_timestamp=start_timestamp,
        end_timestamp=end_timestamp,
        max_attempts=max_attempts,
        reattempt_wait=reattempt_wait,
        result_url=result_url,
        pci=pci,
        variable=variable,
    )
    answer = ask(settings, "POST", f"/api/apps/{app}/{deployment}/queue", data={"phone_number": phone_number, **given})
    show_values({"id": answer["call_id"]}, f"Call {answer['call_id']} is queued.", as_json=as_json)


def call_fields(*, pci: bool, variable: list[str] | None, **others: int | str | None) -> dict[str, str]:
    """The fields that one call and a list have in common, as the API takes them in a form."""
    fields = {
        **others,
        "is_pci": 1 if pci else None,
        "variables": json.dumps(_read_variables(variable)) if variable else None,
    }
    return {name: str(value) for name, value in fields.items() if value is not None}


@with_settings("client")
def status(settings: Settings, call_id: _CallId, as_json: AsJson = False) -> None:
    """Print what has become of a call."""
    details = _details(settings, call_id)
    lines = [_line(details), *(f"  {_clock(each['timestamp'])} {each['event']}" for each in details["events"])]
    show_values(details, "\n".join(lines), as_json=as_json)


@with_settings("client")
def watch(settings: Settings, call_id: _MaybeCallId = None, app: AppId = 1, deployment: DeploymentId = 1) -> None:
    """Print every change of one call until it is over, or of a deployment's newest calls until you stop it."""
    seen: dict[str, str] = {}
    while True:
        if call_id is None:
            path = f"/api/apps/{app}/{deployment}/calls"
            found = reversed(ask(settings, "GET", path, params={"limit": _NEWEST})["calls"])
        else:
            found = iter([_details(settings, call_id)])
        for details in found:
            if seen.get(details["call_id"]) != details["status"]:
                seen[details["call_id"]] = details["status"]
                typer.echo(f"{_clock(time.time())} {_line(details)}")
            if call_id is not None and details["status"] in _OVER:
                return
        time.sleep(_POLL)


@with_settings("client")
def trace(
    settings: Settings,
    call_id: _CallId,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.pcap]", help="Write a capture for Wireshark instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what went over the wire for a call: who sent what, when."""
    path = f"/api/outbound/{call_id}/trace"
    if file is not None:
        file.write_bytes(_request(settings, "GET", path, params={"format": "pcap"}).content)
        show_values({"file": str(file)}, f"Written to {file}.", as_json=as_json)
        return
    answer = ask(settings, "GET", path)
    lines = [line for attempt in answer["attempts"] for line in _ladder(attempt)]
    nothing = "Nothing is kept of it: it was not dialed over a SIP trunk, or its first attempt is not over."
    show_values(answer, "\n".join(lines) or nothing, as_json=as_json)


def ask(settings: Settings, method: str, path: str, **what: Any) -> Any:
    """The content of the API's answer. Raises as `_request`."""
    answer = _request(settings, method, path, **what)
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise _not_calloff(settings) from error


def fetch(settings: Settings, path: str) -> bytes:
    """The file at that address, as it is. Raises as `_request`."""
    return _request(settings, "GET", path).content


def _request(settings: Settings, method: str, path: str, **what: Any) -> httpx.Response:
    """The API's answer.

    Raises `CalloffError` with its own words if it refuses, `OutcomeUnknown` if it failed or broke off, and
    `NotConfigured` if it is not there.
    """
    url, email, key = _credentials(settings)
    try:
        answer = httpx.request(method, f"{url.rstrip('/')}{path}", auth=(email, key), **{"timeout": 30, **what})
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise NotConfigured("CALLOFF_URL is no address. Write it like http://127.0.0.1:8080.") from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NotConfigured(f"Calloff does not answer at {url}. Start it, or correct --url (CALLOFF_URL).") from error
    except httpx.HTTPError as error:
        raise OutcomeUnknown(
            f"Calloff at {url} broke off before it answered. Whether it did what you asked is not known."
        ) from error
    if not answer.is_success:
        try:
            content = answer.json() if answer.content else None
        except ValueError as error:
            raise _not_calloff(settings) from error
        message = content.get("error") if isinstance(content, Mapping) else None
        refusal = OutcomeUnknown if answer.is_server_error else CalloffError
        raise refusal(message or f"Calloff answered with HTTP status {answer.status_code}.")
    return answer


def _not_calloff(settings: Settings) -> NotConfigured:
    url, _, _ = _credentials(settings)
    return NotConfigured(f"What answers at {url} is not Calloff. Correct --url (CALLOFF_URL).")


def _ladder(attempt: dict[str, Any]) -> Iterator[str]:
    yield f"Attempt {attempt['attempt']}"
    began = attempt["messages"][0]["timestamp"] if attempt["messages"] else 0.0
    for message in attempt["messages"]:
        arrow = "→" if message["direction"] == "sent" else "←"
        yield f"  {message['timestamp'] - began:8.3f} s  {arrow} {message['title']}  {message['remote']}"
    if attempt["messages_left_out"]:
        yield f"  and {attempt['messages_left_out']} more"
    if media := attempt["media"]:
        trip = "" if media["round_trip"] is None else f", round trip {media['round_trip'] * 1000:.0f} ms"
        yield (
            f"  sound: {media['packets_sent']} packets sent, {media['packets_received']} received, "
            f"{media['lost']} lost, jitter {media['jitter'] * 1000:.1f} ms{trip}"
        )


def _credentials(settings: Settings) -> tuple[str, str, str]:
    """What was given, or, if nothing was, what the data directory keeps: never a key of the one for the other's URL."""
    if settings.url is None and settings.email is None and settings.key is None:
        kept = read_credentials(settings.data_dir)
        if kept is not None:
            return kept.url, kept.email, kept.key
    if settings.url is None or settings.email is None or settings.key is None:
        raise NotConfigured("Set CALLOFF_URL, CALLOFF_EMAIL and CALLOFF_KEY, or source credentials.env.")
    return settings.url, settings.email, settings.key


def _details(settings: Settings, call_id: int) -> dict[str, Any]:
    details: dict[str, Any] = ask(settings, "GET", f"/api/outbound/{call_id}")["call_details"]
    return details


def _line(details: Mapping[str, Any]) -> str:
    result = f" ({details['result']})" if details.get("result") else ""
    return f"call {details['call_id']} to {details['phone_number']}: {details['status']}{result}"


def _clock(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC).astimezone():%H:%M:%S}"


def _read_variables(pairs: list[str]) -> dict[str, str]:
    """The variables that `NAME=VALUE` names. Raises `InvalidInput`."""
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput("--variable needs NAME=VALUE.")
        variables[name] = value
    return variables
