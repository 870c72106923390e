"""Whom not to call. Numbers are in bodies only: addresses of requests end up in the logs of proxies."""

import time
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from calloff.accounts.accounts import find_account
from calloff.api.authentication import pool_of
from calloff.api.bodies import read_fields
from calloff.api.identifiers import actor_of
from calloff.api.representation import respond
from calloff.contract.fields import Fields, given, parse_phone_number, refuse_unknown, whole_number
from calloff.domain.errors import Deleted, InvalidInput, NotFound
from calloff.domain.numbers import Number
from calloff.domain.schedule import Schedule
from calloff.operations import rules
from calloff.operations.access import NO_APPLICATION, Access, ApplicationAccess, to_account, to_application
from calloff.operations.operation import Operation
from calloff.rules.do_not_call import ForbiddenNumber, Reason

router = APIRouter(prefix="/api/do_not_call")


@router.post("/add")
async def add(request: Request) -> Response:
    """Put a number on the list of the account, or of one application."""
    access, fields = await _enter(
        request, rules.forbid_number, rules.forbid_number_to_application, "source", "evidence", "end_timestamp"
    )
    number, reason = await _number(request, access, fields), _reason(fields)
    if isinstance(access, ApplicationAccess):
        changed = await rules.forbid_number_to_application(pool_of(request), access, number, reason)
    else:
        changed = await rules.forbid_number(pool_of(request), access, number, reason)
    return respond(request, {"changed": changed})


@router.post("/remove")
async def remove(request: Request) -> Response:
    """Take a number off that list."""
    access, fields = await _enter(request, rules.allow_number, rules.allow_number_to_application)
    number = await _number(request, access, fields)
    if isinstance(access, ApplicationAccess):
        changed = await rules.allow_number_to_application(pool_of(request), access, number)
    else:
        changed = await rules.allow_number(pool_of(request), access, number)
    return respond(request, {"changed": changed})


@router.post("/find")
async def find(request: Request) -> Response:
    """The entries of a number."""
    access, fields = await _enter(request, rules.find_number, rules.find_number_for_application)
    number = await _number(request, access, fields)
    if isinstance(access, ApplicationAccess):
        found = await rules.find_number_for_application(pool_of(request), access, number)
    else:
        found = await rules.find_number(pool_of(request), access, number)
    return respond(request, {"entries": [_entry(each) for each in found]})


async def _enter(
    request: Request,
    of_account: Operation[Access, ..., Any],
    of_application: Operation[ApplicationAccess, ..., Any],
    *more: str,
) -> tuple[Access, Fields]:
    """What was sent, and the access to the application that it names, or else to the account, good for it."""
    actor = await actor_of(request)
    fields = await read_fields(request)
    refuse_unknown(fields, {"phone_number", "application_id", *more})
    application_id = whole_number(fields, "application_id")
    if application_id is None:
        access = await to_account(pool_of(request), actor)
        of_account.check(access)
        return access, fields
    if application_id <= 0:
        raise NotFound(NO_APPLICATION)
    application = await to_application(pool_of(request), actor, application_id)
    try:
        of_application.check(application)
    except Deleted as error:
        raise NotFound(NO_APPLICATION) from error
    return application, fields


async def _number(request: Request, access: Access, fields: Fields) -> Number:
    assert access.account_id is not None
    country = (await find_account(pool_of(request), access.account_id)).country
    return parse_phone_number(fields, country).understood(country)


def _reason(fields: Fields) -> Reason:
    source, evidence = given(fields, "source"), given(fields, "evidence")
    if not isinstance(source, str):
        raise InvalidInput("source is missing. Say in a few words how it is known.", field="source")
    if not isinstance(evidence, str | None):
        raise InvalidInput("evidence is not a string. Give it in quotes.", field="evidence")
    end = whole_number(fields, "end_timestamp")
    Schedule(end=end).check(time.time())
    return Reason(source, evidence, None if end is None else datetime.fromtimestamp(end, UTC))


def _entry(entry: ForbiddenNumber) -> dict[str, object]:
    # Where the operator's entries come from is the operator's to know.
    is_own = entry.account_id != 0
    return {
        "list": "operator" if not is_own else "application" if entry.application_id else "account",
        "application_id": str(entry.application_id) if entry.application_id else None,
        "source": entry.source,
        "evidence": entry.evidence if is_own else None,
        "origin": entry.origin if is_own else None,
        "added_timestamp": int(entry.added_at.timestamp()),
        "end_timestamp": int(entry.ends_at.timestamp()) if entry.ends_at else None,
    }
