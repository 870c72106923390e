"""The errors that Calloff raises for its callers.

    CalloffError
    ├── InvalidInput        what was sent cannot be used as it is (HTTP 400)
    ├── NotAuthenticated    no such user, wrong key, or an inactive account (HTTP 401)
    ├── NotPermitted        known, but not allowed to do this (HTTP 403)
    ├── NotFound            no such thing for this user (HTTP 404)
    ├── Conflict            the thing is not in a state that allows this (HTTP 409)
    │   ├── Deleted         it was deleted before
    │   └── NotPending      the call is past the point where it can be canceled
    ├── TooSlow             what was sent did not come in time (HTTP 408)
    ├── TooLarge            what was sent is larger than is read (HTTP 413)
    ├── Busy                there is no room for it just now (HTTP 503)
    ├── OutcomeUnknown      the database did not confirm; the change may or may not have happened (HTTP 500)
    └── NotConfigured       the operator has to change a setting before this can work

Every message is a plain sentence that says what to mend, and holds no phone number, key or password.
"""

from typing import ClassVar

from calloff.domain.codes import Code, Said, code_of_field

NO_DEPLOYMENT = Said(Code.DEPLOYMENT_NOT_FOUND, "No deployment was found by that application id and deployment id.")
"""The message of a `NotFound` deployment (contract, `D`)."""


class CalloffError(Exception):
    """Base of every error that Calloff raises on purpose. `message` is fit to be shown to the caller.

    `field` is the name of the one field that has to be mended, for forms to show the message beside it. `code` is what
    programs look at: the one that is given, or that of the sentence (`Said`), of the field, or of the kind of error.
    """

    kind: ClassVar[Code] = Code.ERROR

    def __init__(self, message: str, *, field: str | None = None, code: Code | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        said = message.code if isinstance(message, Said) else None
        self.code = code or said or code_of_field(field) or self.kind


class InvalidInput(CalloffError):
    """What was sent cannot be used as it is; nothing was changed."""

    kind = Code.INVALID


class NotAuthenticated(CalloffError):
    """The credentials are missing or wrong, or the account or user is inactive."""

    kind = Code.NOT_AUTHENTICATED


class NotPermitted(CalloffError):
    """The user is known but lacks the permission for this."""

    kind = Code.NOT_PERMITTED


class NotFound(CalloffError):
    """There is no such thing, or it belongs to another account."""

    kind = Code.NOT_FOUND


class Conflict(CalloffError):
    """The thing exists, but its state does not allow the change; nothing was changed."""

    kind = Code.CONFLICT


class Deleted(Conflict):
    """The application or deployment was deleted before."""

    kind = Code.DELETED


class NotPending(Conflict):
    """The call is dialing, connected or over, so that it can no longer be canceled."""

    kind = Code.NOT_PENDING


class TooSlow(CalloffError):
    """The body of a request did not come in time."""

    kind = Code.TOO_SLOW


class TooLarge(CalloffError):
    """The body of a request is larger than is read here."""

    kind = Code.TOO_LARGE


class Busy(CalloffError):
    """There is no room for the request just now."""

    kind = Code.BUSY


class OutcomeUnknown(CalloffError):
    """The database did not confirm a change, which may or may not have happened: never to be taken for success."""

    kind = Code.OUTCOME_UNKNOWN


class NotConfigured(CalloffError):
    """A setting of the operator's is missing or wrong."""

    kind = Code.NOT_CONFIGURED
