"""Errors on the wire: the one table of their statuses, and their body (contract, *Every request*)."""

from calloff.domain.codes import Code, Said
from calloff.domain.errors import CalloffError

STATUS = {
    Code.INVALID: 400,
    Code.NOT_AUTHENTICATED: 401,
    Code.NOT_PERMITTED: 403,
    Code.NOT_FOUND: 404,
    Code.TOO_SLOW: 408,
    Code.CONFLICT: 409,
    Code.DELETED: 409,
    Code.NOT_PENDING: 409,
    Code.NO_MESSAGE: 409,
    Code.TOO_LARGE: 413,
    Code.UNSUPPORTED: 415,
    Code.IDEMPOTENCY_KEY_REUSED: 422,
    Code.TOO_MANY_ATTEMPTS: 429,
    Code.OUTCOME_UNKNOWN: 500,
    Code.BUSY: 503,
}
"""By the kind of error."""


def status_of(error: CalloffError) -> int:
    """The HTTP status of the answer; 500 for what is none of the caller's faults."""
    return STATUS.get(error.kind, 500)


def error_body(message: Said, *, xml: bool = False) -> dict[str, str]:
    """The sentence, and in JSON its code beside it; in XML the body is what the contract documents, to the byte."""
    return {"error": str(message)} if xml else {"error": str(message), "code": message.code.value}
