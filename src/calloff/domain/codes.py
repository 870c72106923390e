"""The stable code of each error: what programs look at, where people read the sentence beside it.

A code never changes its meaning and is never given to something else; sentences may become better. The table in
`docs/api.md` (*Codes of errors*) is made from this one.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """What went wrong, for programs."""

    meaning: str
    """The same for people, without the case at hand."""

    def __new__(cls, value: str, meaning: str) -> Self:
        """A code and its meaning."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    # The kinds: of what has no code of its own. One for each class of errors.
    ERROR = "error", "Something that has no code of its own."
    INVALID = "invalid", "What was sent cannot be used as it is."
    NOT_AUTHENTICATED = "not_authenticated", "The credentials are wrong, or the account or user is inactive."
    NOT_PERMITTED = "not_permitted", "You are known, but not allowed to do this."
    NOT_FOUND = "not_found", "There is no such thing for you."
    CONFLICT = "conflict", "The thing is not in a state that allows this."
    DELETED = "deleted", "The application or deployment was deleted before."
    NO_MESSAGE = "no_message", "The deployment has nothing to say to whoever answers."
    NOT_PENDING = "not_pending", "The call is past the point where it can be canceled."
    TOO_SLOW = "too_slow", "What was sent did not come in time."
    TOO_LARGE = "too_large", "What was sent is larger than is read."
    UNSUPPORTED = "unsupported", "The body is of a type or coding that is not read here."
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused", "The idempotency key was used for another request."
    TOO_MANY_ATTEMPTS = "too_many_attempts", "Too many wrong credentials came from your address."
    BUSY = "busy", "There is no room for the request just now."
    OUTCOME_UNKNOWN = "outcome_unknown", "The database did not confirm: the change may or may not have happened."
    NOT_CONFIGURED = "not_configured", "The operator has to change a setting first."

    # Of the address, the method and the one who asks.
    ADDRESS_UNKNOWN = "address_unknown", "There is nothing at this address."
    METHOD_NOT_ALLOWED = "method_not_allowed", "The method is not allowed here; `Allow` names those that are."
    CREDENTIALS_MISSING = "credentials_missing", "The request has no HTTP Basic credentials that can be read."
    DEPLOYMENT_NOT_FOUND = "deployment_not_found", "No such application and deployment."
    CALL_NOT_FOUND = "call_not_found", "No such call."
    LIST_NOT_FOUND = "list_not_found", "No such list."

    # Of a request as a whole.
    REQUEST_MALFORMED = "request_malformed", "The request is not valid HTTP/1.1."
    REQUEST_TOO_SLOW = "request_too_slow", "The first line and headers did not come in time."
    HEADERS_TOO_LARGE = "headers_too_large", "The headers are too large."
    BODY_MALFORMED = "body_malformed", "The body is not of the form that its type says."
    FIELD_UNKNOWN = "field_unknown", "A field or parameter is none of this request."
    FIELD_REPEATED = "field_repeated", "A field or parameter was sent more than once."
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid", "The idempotency key is none."
    IDEMPOTENCY_KEY_IN_PROGRESS = "idempotency_key_in_progress", "A request with the same idempotency key is going on."

    # Of one field: an error of a field `x` has the code `x_invalid`, if there is one.
    PHONE_NUMBER_MISSING = "phone_number_missing", "The number to call is missing."
    PHONE_NUMBER_INVALID = "phone_number_invalid", "`phone_number` is none."
    ANI_INVALID = "ani_invalid", "`ani`, the caller ID, is no phone number."
    POSTD_INVALID = "postd_invalid", "`postd` holds something that cannot be sent as DTMF."
    START_TIMESTAMP_INVALID = "start_timestamp_invalid", "`start_timestamp` is no time, or out of range."
    END_TIMESTAMP_INVALID = "end_timestamp_invalid", "`end_timestamp` is no time, has passed, or is before the start."
    MAX_ATTEMPTS_INVALID = "max_attempts_invalid", "`max_attempts` is no number from 1 to 10."
    REATTEMPT_WAIT_INVALID = "reattempt_wait_invalid", "`reattempt_wait` is missing, or no number from 60 to 86400."
    RESULT_URL_INVALID = "result_url_invalid", "`result_url` is no complete http or https address."
    IS_PCI_INVALID = "is_pci_invalid", "`is_pci` is neither 0 nor 1."
    VARIABLES_INVALID = "variables_invalid", "`variables` is no JSON object of strings, or too large."
    VARIABLES_MISSING = "variables_missing", "The message reads a variable that the call or the list lacks."
    FORMAT_INVALID = "format_invalid", "`format` is not `pcap`."
    IN_PROGRESS_INVALID = "in_progress_invalid", "`in_progress` is neither `continue` nor `hang_up`."
    STATUS_INVALID = "status_invalid", "`status` is no status of a call."
    LIMIT_INVALID = "limit_invalid", "`limit` is no number that a page can have."
    BEFORE_INVALID = "before_invalid", "`before` is no identifier."

    # Of a list.
    CSV_MISSING = "csv_missing", "The form has no part `csv`."
    LIST_EMPTY = "list_empty", "The list has no row that can be called."
    LIST_MALFORMED = "list_malformed", "The list cannot be read: its encoding, its quotes or its header."
    LIST_TOO_LONG = "list_too_long", "The list has more lines, columns, names or bad rows than are taken."
    LIST_NAME_INVALID = "list_name_invalid", "`list_name` is too long, or more than a line."
    DESTINATION_COLUMN_MISSING = "destination_column_missing", "No column of the list is known to hold the numbers."
    DESTINATION_COLUMN_INVALID = (
        "destination_column_invalid",
        "`destination_column` names none, or several fit.",
    )
    COLUMN_REPEATED = "column_repeated", "The list has a column twice."

    # Of the server.
    DATABASE_FAILED = "database_failed", "The database cannot be reached or has failed."
    INTERNAL_ERROR = "internal_error", "Something went wrong on the server."


class Said(str):
    """A sentence that is said in several places, always with the same code."""

    __slots__ = ("code",)

    def __new__(cls, code: Code, sentence: str) -> Self:
        """The sentence with its code."""
        said = super().__new__(cls, sentence)
        said.code = code
        return said

    code: Code


def code_of_field(field: str | None) -> Code | None:
    """The code of what is wrong with `field`; None for a field that has none of its own."""
    try:
        return Code(f"{field}_invalid")  # type: ignore[call-arg]
    except ValueError:
        return None
