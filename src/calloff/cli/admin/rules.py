"""`calloff admin do-not-call`, and where an account may call."""

import csv
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from typing import Annotated

import typer

from calloff.accounts.accounts import find_account
from calloff.cli.admin.database import at_account, at_application, carry_out, on_database
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_list, show_values
from calloff.config import Settings
from calloff.domain.errors import InvalidInput
from calloff.domain.numbers import DEFAULT_COUNTRY, Number
from calloff.domain.phone import parse_destination
from calloff.operations import rules
from calloff.rules.do_not_call import Reason
from calloff.rules.hours import CallingHours

do_not_call = typer.Typer(name="do-not-call", help="Whom nobody may call.", no_args_is_help=True)

AccountId = Annotated[int | None, typer.Option("--account", help="ID; else the operator's list, for every account.")]
ApplicationId = Annotated[int | None, typer.Option("--application", help="ID, for one application's list.")]
Source = Annotated[str, typer.Option(help="How it is known, in a few words.")]
Evidence = Annotated[str | None, typer.Option(help="Where it can be looked up: a call, a file.")]
Until = Annotated[datetime | None, typer.Option(help="When it is over, in UTC; else it is for good.")]
_BATCH = 10_000


@do_not_call.command("add")
@with_settings("admin")
def add_command(
    settings: Settings,
    number: str,
    source: Source,
    account: AccountId = None,
    application: ApplicationId = None,
    evidence: Evidence = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Put a number on a do-not-call list; once this returns, nothing starts that would ring there."""
    reason = _reason(source, evidence, until)
    if application is not None:
        found = _number(settings, number, account)
        added = carry_out(settings, at_application(application), rules.forbid_number_to_application, found, reason)
    else:
        found = _number(settings, number, account)
        added = carry_out(settings, at_account(account), rules.forbid_number, found, reason)
    sentence = f"{found.e164} is not called any more." if added else f"{found.e164} was on the list before."
    show_values({"number": found.e164, "changed": added}, sentence, as_json=as_json)


@do_not_call.command("remove")
@with_settings("admin")
def remove_command(
    settings: Settings,
    number: str,
    account: AccountId = None,
    application: ApplicationId = None,
    as_json: AsJson = False,
) -> None:
    """Take a number off a do-not-call list."""
    found = _number(settings, number, account)
    if application is not None:
        removed = carry_out(settings, at_application(application), rules.allow_number_to_application, found)
    else:
        removed = carry_out(settings, at_account(account), rules.allow_number, found)
    sentence = f"{found.e164} may be called again." if removed else f"{found.e164} was not on the list."
    show_values({"number": found.e164, "changed": removed}, sentence, as_json=as_json)


@do_not_call.command("find")
@with_settings("admin")
def find_command(settings: Settings, number: str, account: AccountId = None, as_json: AsJson = False) -> None:
    """Show the entries of a number, the operator's among them."""
    found = carry_out(settings, at_account(account), rules.find_number, _number(settings, number, account))
    show_list("entries", found, as_json=as_json)


@do_not_call.command("import")
@with_settings("admin")
def import_command(
    settings: Settings,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV: a number a line.")],
    source: Source,
    account: AccountId = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Put every number of a file on a do-not-call list, all of them or none; a second time does no harm."""
    country = _country(settings, account)
    batches = _batches(file, country)
    added = carry_out(settings, at_account(account), rules.forbid_list, batches, _reason(source, file.name, until))
    show_values({"changed": added}, f"{added} numbers are not called any more.", as_json=as_json)


@with_settings("admin")
def set_destinations_command(
    settings: Settings,
    account_id: int,
    destinations: Annotated[
        list[str] | None,
        typer.Argument(help="Countries (DE), prefixes (+4930), kinds (premium), or '*'; none takes all away."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where an account may call beside the ordinary numbers of its own country."""
    carry_out(settings, at_account(account_id), rules.set_destinations, destinations or [])
    show_values(
        {"destinations": destinations or []}, f"The destinations of account {account_id} are set.", as_json=as_json
    )


@with_settings("admin")
def set_hours_command(
    settings: Settings,
    account_id: int,
    begin: Annotated[str | None, typer.Argument(help="Like 08:00; neither takes the rule away.")] = None,
    until: Annotated[str | None, typer.Argument(help="Like 21:00, the first moment that is too late.")] = None,
    days: Annotated[str, typer.Option(help="The weekdays, 1 is Monday.")] = "1234567",
    as_json: AsJson = False,
) -> None:
    """Say between which hours, on their own clocks, an account may ring people."""
    hours = None
    if begin is not None or until is not None:
        hours = CallingHours(_time(begin), _time(until), frozenset(int(day) for day in days if day.isdecimal()))
    carry_out(settings, at_account(account_id), rules.set_hours, hours)
    sentence = f"The calling hours of account {account_id} are {'set' if hours else 'taken away'}."
    show_values({"begin": begin, "until": until, "days": days}, sentence, as_json=as_json)


def _time(text: str | None) -> time:
    try:
        return time.fromisoformat(text or "")
    except ValueError:
        raise InvalidInput("The hours need two times, like 08:00 21:00.") from None


def _reason(source: str, evidence: str | None, until: datetime | None) -> Reason:
    return Reason(source, evidence, until)


def _country(settings: Settings, account: int | None) -> str:
    if account is None:
        return DEFAULT_COUNTRY
    return on_database(settings, lambda pool: find_account(pool, account)).country


def _number(settings: Settings, text: str, account: int | None) -> Number:
    country = _country(settings, account)
    return parse_destination(text, country).understood(country)


def _batches(file: Path, country: str) -> Iterator[list[int]]:
    batch: list[int] = []
    with file.open(newline="", encoding="utf-8-sig") as lines:
        for line, row in enumerate(csv.reader(lines), 1):
            if not row or not row[0].strip():
                continue
            try:
                batch.append(parse_destination(row[0], country).understood(country).digits)
            except InvalidInput as error:
                if line == 1:
                    # A header.
                    continue
                raise InvalidInput(f"Line {line}: {error.message} Nothing was imported.") from None
            if len(batch) >= _BATCH:
                yield batch
                batch = []
    yield batch
