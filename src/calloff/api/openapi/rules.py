"""What may be dialed."""

from calloff.api.bodies import BODY_SECONDS, MAX_BODY
from calloff.api.openapi.errors import Errors, in_an_account, invalid, unreadable
from calloff.api.openapi.examples import FORBIDDEN
from calloff.api.openapi.operations import Body, Operation, answer, operation
from calloff.api.openapi.schemas import Schema
from calloff.domain.codes import Code

RULES = "Rules"
_NUMBER = "+16175550123"


def rules() -> list[Operation]:
    """The operations."""
    return [_add(), _remove(), _find()]


def _add() -> Operation:
    return _do_not_call(
        "add",
        "Forbid a number",
        "Puts a number on the do-not-call list of your account, which takes its administrators, or of one application, "
        "which takes the permission to cancel. Once this has answered, no start dials it where the list holds. An "
        "entry that holds as long or longer is left as it is.",
        "forbid_request",
        {"phone_number": _NUMBER, "source": "told an agent"},
        answer("The number is on the list.", "changed", {"changed": True}),
    )


def _remove() -> Operation:
    return _do_not_call(
        "remove",
        "Allow a number again",
        "Takes a number off that list; entries of other lists still hold.",
        "number_request",
        {"phone_number": _NUMBER},
        answer("The number is not on the list.", "changed", {"changed": False}),
    )


def _find() -> Operation:
    return _do_not_call(
        "find",
        "Look a number up",
        "The entries of a number in all do-not-call lists of the account and in the operator's; with `application_id` "
        "those that hold for that application. Where the operator's entries come from is not told.",
        "number_request",
        {"phone_number": _NUMBER},
        answer("The entries; none if nothing forbids the number.", "forbidden_number", FORBIDDEN),
        changes=False,
    )


def _do_not_call(
    name: str,
    summary: str,
    description: str,
    schema: str,
    example: dict[str, str],
    success: tuple[int, Schema],
    *,
    changes: bool = True,
) -> Operation:
    errors: Errors = {
        **in_an_account(changes=changes),
        **invalid(Code.PHONE_NUMBER_MISSING, "phone_number is missing. Give the number to call."),
        **unreadable(
            too_slow=f"The body did not come within {BODY_SECONDS:.0f} seconds. Send it without pauses.",
            too_large=f"The body is larger than {MAX_BODY // 1024} KiB. Send less, or use bulk_queue.",
            unsupported=(
                "The body's Content-Type is not supported. Send multipart/form-data, "
                "application/x-www-form-urlencoded or application/json."
            ),
        ),
    }
    return operation(
        "POST",
        f"/api/do_not_call/{name}",
        f"do_not_call_{name}",
        summary,
        description,
        tag=RULES,
        body=Body(schema, example),
        success=success,
        errors=errors,
    )
