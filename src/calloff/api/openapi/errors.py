"""What each operation answers when it cannot do what it was asked for: when, and in which words.

`tests/integration/api/test_examples.py` makes the application answer every one of these sentences.
"""

from typing import NamedTuple

from calloff.accounts.throttle import TooManyAttempts
from calloff.calls.hearing import SILENT
from calloff.domain.codes import Code, Said
from calloff.domain.errors import NO_DEPLOYMENT
from calloff.operations.access import NO_APPLICATION


class Error(NamedTuple):
    """An answer that is not a 2xx."""

    description: str
    messages: dict[str, str]
    """What the body says, by a name for the cause."""


Errors = dict[int, Error]
_CODES = {
    "wrong": Code.NOT_AUTHENTICATED,
    "missing": Code.CREDENTIALS_MISSING,
    "method": Code.METHOD_NOT_ALLOWED,
    "slowed": Code.TOO_MANY_ATTEMPTS,
    "failed": Code.DATABASE_FAILED,
    "not_confirmed": Code.OUTCOME_UNKNOWN,
    "deleted": Code.DELETED,
    "in_progress": Code.IDEMPOTENCY_KEY_IN_PROGRESS,
    "key_reused": Code.IDEMPOTENCY_KEY_REUSED,
    "not_permitted": Code.NOT_PERMITTED,
    "no_deployment": Code.DEPLOYMENT_NOT_FOUND,
    "no_application": Code.NOT_FOUND,
    "no_call": Code.CALL_NOT_FOUND,
    "no_list": Code.LIST_NOT_FOUND,
    "not_pending": Code.NOT_PENDING,
    "too_slow": Code.TOO_SLOW,
    "too_large": Code.TOO_LARGE,
    "unsupported": Code.UNSUPPORTED,
    "busy": Code.BUSY,
    "no_database": Code.DATABASE_FAILED,
}


def said(cause: str, message: str) -> Said:
    """What the body says, with its code."""
    return message if isinstance(message, Said) else Said(_CODES[cause], message)


NOT_ALLOWED = 405
IN_EVERY_OPERATION: Errors = {
    401: Error(
        "The credentials are missing or wrong, or the account or user is inactive.",
        {
            "wrong": (
                "The e-mail address or the developer key is wrong, or the account is inactive. Check your credentials."
            ),
            "missing": (
                "Credentials are missing. Send your e-mail address and a developer key with HTTP Basic authentication."
            ),
        },
    ),
    NOT_ALLOWED: Error(
        "The method is not allowed here; `Allow` names those that are.",
        {"method": "This method is not allowed here. Use one of the methods in the Allow header."},
    ),
    429: Error(
        "Too many wrong credentials came from your address; `Retry-After` says when to try again.",
        {"slowed": TooManyAttempts(5).message},
    ),
}
"""The same for all of them, and held once; who needs no credentials has the 405 only."""

_MISSING = "There is no such thing for you."
_FORBIDDEN = "You are known, but not permitted to do this."
_FAILED = "The database cannot be reached or has failed. Try again in a moment."
_READ_FAILED = Error("The database has failed.", {"failed": _FAILED})
_CHANGE_FAILED = Error(
    "The database has failed, or did not confirm: whether the request was carried out is not known.",
    {"failed": _FAILED, "not_confirmed": "The database did not confirm the request. Send it again."},
)
_DELETED = "This application or deployment was deleted. Use another deployment."
_IN_PROGRESS = "A request with this Idempotency-Key is still in progress. Wait, then repeat it."

TO_QUEUE: Errors = {
    409: Error(
        "The application or deployment was deleted, a request with this `Idempotency-Key` is in progress, or the "
        "deployment is on a real trunk and has no message.",
        {"deleted": _DELETED, "in_progress": _IN_PROGRESS, "no_message": SILENT},
    ),
    422: Error(
        "The idempotency key was used for another request.",
        {"key_reused": "This Idempotency-Key was used for another request. Choose a new key for each request."},
    ),
}
"""Of operations that queue calls."""


def in_a_deployment(permission: str, *, changes: bool = True) -> Errors:
    """Of an operation in a deployment that needs this permission, and changes something or only reads."""
    message = f"You are not permitted to {permission} in this application. Ask its owner to share it."
    return {
        403: Error(_FORBIDDEN, {"not_permitted": message}),
        404: Error(_MISSING, {"no_deployment": NO_DEPLOYMENT}),
        500: _CHANGE_FAILED if changes else _READ_FAILED,
    }


def of_a_call(permission: str, *, changes: bool = True) -> Errors:
    """Of an operation on one call that needs this permission, and changes it or only reads."""
    return _of_one("call", permission, changes=changes)


def of_a_list(permission: str, *, changes: bool = True) -> Errors:
    """The same for a list."""
    return _of_one("list", permission, changes=changes)


def _of_one(kind: str, permission: str, *, changes: bool) -> Errors:
    message = f"You are not permitted to {permission} this {kind}. Ask the application's owner to share it."
    return {
        403: Error(_FORBIDDEN, {"not_permitted": message}),
        404: Error(_MISSING, {f"no_{kind}": f"No {kind} was found by that {kind} id."}),
        500: _CHANGE_FAILED if changes else _READ_FAILED,
    }


def in_an_account(*, changes: bool = True) -> Errors:
    """Of an operation in the account, or in an application if one is named, that changes something or only reads."""
    return {
        403: Error(
            _FORBIDDEN,
            {"not_permitted": "You are not permitted to view this application. Ask its owner to share it."}
            if not changes
            else {"not_permitted": "Only an administrator of the account may do this. Ask one of them."},
        ),
        404: Error(_MISSING, {"no_application": NO_APPLICATION}),
        500: _CHANGE_FAILED if changes else _READ_FAILED,
    }


def invalid(code: Code, message: str) -> Errors:
    """What was sent cannot be used."""
    return {400: Error("The request is improperly formatted or invalid.", {"invalid": Said(code, message)})}


def unreadable(*, too_slow: str, too_large: str, unsupported: str) -> Errors:
    """A body that the operation does not read to its end."""
    return {
        408: Error("The body came in too slowly.", {"too_slow": too_slow}),
        413: Error("The body is too large.", {"too_large": too_large}),
        415: Error("The body is of a type or coding that is not read here.", {"unsupported": unsupported}),
    }
