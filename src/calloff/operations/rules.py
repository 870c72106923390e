"""Rules of what may be dialed: whom not to call, and where to call."""

from collections.abc import Iterable, Sequence

from calloff.accounts.access import Permission
from calloff.domain.numbers import Number
from calloff.operations.access import Access, ApplicationAccess, Door, Role
from calloff.operations.operation import Act, Record, operation
from calloff.rules import destinations as places
from calloff.rules import do_not_call
from calloff.rules import hours as calling_hours
from calloff.rules.do_not_call import ForbiddenNumber, Reason, Scope
from calloff.rules.hours import CallingHours


def _scope(access: Access) -> Scope:
    if isinstance(access, ApplicationAccess):
        return Scope(access.account_id, access.application_id)
    return Scope(access.account_id or 0)


@operation("forbid a number", Role.ADMINISTRATOR, Door.API, Door.CLI)
async def forbid_number(act: Act[Access], number: Number, reason: Reason) -> bool:
    """Put the number on the do-not-call list of the account, or of the operator: no start dials it from then on.

    Returns whether something changed. Raises `OutcomeUnknown`: then it has to be asked for again.
    """
    return await do_not_call.forbid(act.pool, _scope(act.access), number.digits, reason, act.entry())


@operation("forbid a number to an application", Permission.CANCEL, Door.API, Door.CLI)
async def forbid_number_to_application(act: Act[ApplicationAccess], number: Number, reason: Reason) -> bool:
    """The same for one application."""
    return await do_not_call.forbid(act.pool, _scope(act.access), number.digits, reason, act.entry())


@operation("allow a number again", Role.ADMINISTRATOR, Door.API, Door.CLI)
async def allow_number(act: Act[Access], number: Number) -> bool:
    """Take the number off the do-not-call list of the account, or of the operator, and say whether it was on it."""
    return await do_not_call.allow(act.pool, _scope(act.access), number.digits, act.entry())


@operation("allow a number to an application again", Permission.ADMINISTER, Door.API, Door.CLI)
async def allow_number_to_application(act: Act[ApplicationAccess], number: Number) -> bool:
    """The same for one application."""
    return await do_not_call.allow(act.pool, _scope(act.access), number.digits, act.entry())


@operation("forbid a list of numbers", Role.ADMINISTRATOR, Door.CLI)
async def forbid_list(act: Act[Access], batches: Iterable[list[int]], reason: Reason) -> int:
    """Put many numbers on the do-not-call list of the account, or of the operator, in one commit.

    Returns how many entries changed. Raises `InvalidInput` for a list that cannot be read: then nothing has changed; or
    `OutcomeUnknown`.
    """
    return await do_not_call.import_forbidden(act.pool, _scope(act.access), batches, reason, act.entry())


@operation("look a number up", Role.MEMBER, Door.API, Door.CLI, record=Record.NOTHING)
async def find_number(act: Act[Access], number: Number) -> list[ForbiddenNumber]:
    """The entries of the number in the operator's list and those of the account."""
    return await do_not_call.find_forbidden(act.pool, act.access.account_id or 0, number.digits)


@operation("look a number up for an application", Permission.VIEW, Door.API, record=Record.NOTHING)
async def find_number_for_application(act: Act[ApplicationAccess], number: Number) -> list[ForbiddenNumber]:
    """The entries of the number that hold for the application."""
    entries = await do_not_call.find_forbidden(act.pool, act.account_id, number.digits)
    return [entry for entry in entries if entry.application_id in (0, act.access.application_id)]


@operation("set an account's calling hours", Role.OPERATOR, Door.CLI)
async def set_hours(act: Act[Access], hours: CallingHours | None) -> None:
    """Ring people for the account within these hours of theirs only; None is no rule."""
    await calling_hours.set_hours(act.pool, act.account_id, hours, act.entry())


@operation("set an account's destinations", Role.OPERATOR, Door.CLI)
async def set_destinations(act: Act[Access], destinations: Sequence[str]) -> None:
    """Let the account call there and in its own country, and nowhere else. Raises `InvalidInput`."""
    await places.set_destinations(act.pool, act.account_id, destinations, act.entry())
