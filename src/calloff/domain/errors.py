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

NO_DEPLOYMENT = "No deployment was found by that application id and deployment id."
"""The message of a `NotFound` deployment (contract, `D`)."""


class CalloffError(Exception):
    """Base of every error that Calloff raises on purpose. `message` is fit to be shown to the caller.

    `field` is the name of the one field that has to be mended, for forms to show the message beside it.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(CalloffError):
    """What was sent cannot be used as it is; nothing was changed."""


class NotAuthenticated(CalloffError):
    """The credentials are missing or wrong, or the account or user is inactive."""


class NotPermitted(CalloffError):
    """The user is known but lacks the permission for this."""


class NotFound(CalloffError):
    """There is no such thing, or it belongs to another account."""


class Conflict(CalloffError):
    """The thing exists, but its state does not allow the change; nothing was changed."""


class Deleted(Conflict):
    """The application or deployment was deleted before."""


class NotPending(Conflict):
    """The call is dialing, connected or over, so that it can no longer be canceled."""


class TooSlow(CalloffError):
    """The body of a request did not come in time."""


class TooLarge(CalloffError):
    """The body of a request is larger than is read here."""


class Busy(CalloffError):
    """There is no room for the request just now."""


class OutcomeUnknown(CalloffError):
    """The database did not confirm a change, which may or may not have happened: never to be taken for success."""


class NotConfigured(CalloffError):
    """A setting of the operator's is missing or wrong."""
