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
    NOT_PERMITTED = "not_permitted"
    """A rule forbade to dial the number: nobody was called."""


class CalleeType(StrEnum):
    """Who or what answered."""

    PROCESSING = "processing"
    VOICE = "voice"
    ANSWERING_MACHINE = "answeringmachine"
    FAX = "fax"
    UNKNOWN = "unknown"


NEVER_RETRIED = frozenset({Result.INVALID_NUMBER, Result.REJECTED, Result.EXPIRED, Result.NOT_PERMITTED})
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
    607: Result.DECLINED,
    608: Result.DECLINED,
}
_FOR_GOOD = frozenset({607, 608})
"""Unwanted (RFC 8197), rejected (RFC 8688): a person or a screen has said no to us, and will again."""
_PICKED_UP = 200
"""Somebody answered and heard nothing: whatever went wrong, they are not rung again."""
_VAGUE = frozenset({480, 487, 500, 502, 503, 504})
"""Codes beside which the Q.850 cause says more (RFC 3326)."""
_BY_Q850_CAUSE = {
    1: Result.INVALID_NUMBER,
    17: Result.BUSY,
    18: Result.NO_ANSWER,
    19: Result.NO_ANSWER,
    21: Result.DECLINED,
    28: Result.INVALID_NUMBER,
    34: Result.CARRIER_ERROR,
    38: Result.CARRIER_ERROR,
    42: Result.CARRIER_ERROR,
}
"""ITU-T Q.850 table 1; 16 and 31 are normal, and leave it to the code."""


def result_of_sip_code(code: int, q850_cause: int | None = None) -> Result:
    """The result that a final SIP status code (200 to 699) stands for; one without a row is the carrier's error.

    `q850_cause` is that of its `Reason` header, and decides where the code alone says little.
    """
    if 200 <= code < 300:
        return Result.ANSWERED
    if code in _VAGUE and q850_cause in _BY_Q850_CAUSE:
        return _BY_Q850_CAUSE[q850_cause]
    return _BY_SIP_CODE.get(code, Result.CARRIER_ERROR)


def may_retry(result: Result, sip_code: int | None = None) -> bool:
    """Whether an attempt that ended so may be followed by another one."""
    return result is not Result.ANSWERED and result not in NEVER_RETRIED and sip_code not in (_PICKED_UP, *_FOR_GOOD)
