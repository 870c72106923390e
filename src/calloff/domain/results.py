"""What became of an attempt: the one table that turns SIP answers into results (RFC 3261 section 21)."""

from enum import StrEnum


class Result(StrEnum):
    """The result of an attempt, as status reads and callbacks show it."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    INVALID_NUMBER = "invalid_number"
    REJECTED = "rejected"
    """The carrier refused us: credentials or permissions have to be mended, so dialing again would not help."""
    CARRIER_ERROR = "carrier_error"
    UNKNOWN = "unknown"
    """Its dialer died while the call was dialing or connected."""
    EXPIRED = "expired"
    """The window closed before an attempt succeeded."""


class CalleeType(StrEnum):
    """Who or what answered."""

    PROCESSING = "processing"
    VOICE = "voice"
    ANSWERING_MACHINE = "answeringmachine"
    FAX = "fax"
    UNKNOWN = "unknown"


NEVER_RETRIED = frozenset({Result.INVALID_NUMBER, Result.REJECTED, Result.EXPIRED})
"""Results after which no attempt follows, however many are left; for `UNKNOWN`, the deployment decides."""

_BY_SIP_CODE = {
    401: Result.REJECTED,
    403: Result.REJECTED,
    407: Result.REJECTED,
    404: Result.INVALID_NUMBER,
    410: Result.INVALID_NUMBER,
    484: Result.INVALID_NUMBER,
    604: Result.INVALID_NUMBER,
    408: Result.NO_ANSWER,
    480: Result.NO_ANSWER,
    487: Result.NO_ANSWER,
    486: Result.BUSY,
    600: Result.BUSY,
    603: Result.DECLINED,
}


def result_of_sip_code(code: int) -> Result:
    """The result that a final SIP status code (200 to 699) stands for; one without a row is the carrier's error."""
    if 200 <= code < 300:
        return Result.ANSWERED
    return _BY_SIP_CODE.get(code, Result.CARRIER_ERROR)


def may_retry(result: Result) -> bool:
    """Whether an attempt that ended with `result` may be followed by another one."""
    return result is not Result.ANSWERED and result not in NEVER_RETRIED
