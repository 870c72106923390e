"""Lists: what was uploaded, and calling off one of them."""

from calloff.api.openapi.errors import invalid, of_a_list
from calloff.api.openapi.examples import LIST
from calloff.api.openapi.operations import Operation, answer, operation
from calloff.domain.codes import Code

_TAG = "Lists"
_LIST = "/api/lists/{list_id}"


def lists() -> list[Operation]:
    """The operations."""
    return [_list_lists(), _read_list(), _read_results(), _cancel_list(), _pause_list(), _resume_list()]


def _list_lists() -> Operation:
    return operation(
        "GET",
        "/api/lists",
        "list_lists",
        "List the lists",
        "Every list that was uploaded to a deployment that you may view, newest first.",
        tag=_TAG,
        parameters=["limit", "before"],
        success=answer("One page.", "list_list", {"lists": [LIST], "next_before": None}),
        errors={
            **invalid(Code.LIMIT_INVALID, "limit is out of range. Give a number from 1 to 200."),
            500: of_a_list("view", changes=False)[500],
        },
    )


def _read_list() -> Operation:
    return operation(
        "GET",
        _LIST,
        "read_list",
        "Read a list",
        "How far it is, and how its calls have ended so far.",
        tag=_TAG,
        parameters=["list_id"],
        success=answer("The list.", "list_status", {"list": LIST}),
        errors=of_a_list("view", changes=False),
    )


def _read_results() -> Operation:
    return operation(
        "GET",
        f"{_LIST}/results",
        "read_list_results",
        "Read the results of a list",
        "A CSV file with a line for each call, in the order of the list: its own columns, and what became of the call "
        "beside them. It can be uploaded again as it is.",
        tag=_TAG,
        parameters=["list_id"],
        success=(
            200,
            {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string"}}}},
        ),
        errors=of_a_list("view", changes=False),
    )


def _cancel_list() -> Operation:
    return operation(
        "DELETE",
        _LIST,
        "cancel_list",
        "Cancel a list",
        "Calls off every call of the list that is not yet dialing, at any length, in the time of one commit. Once this "
        "has answered 202, none of them rings. Nothing else in the deployment changes. Repeating it is harmless.",
        tag=_TAG,
        parameters=["list_id"],
        success=(202, {"description": "The list is called off. The answer has no body."}),
        errors=of_a_list("cancel"),
    )


def _pause_list() -> Operation:
    return operation(
        "POST",
        f"{_LIST}/pause",
        "pause_list",
        "Pause a list",
        "Starts nothing more of the list until `resume`; what is dialing or connected goes on.",
        tag=_TAG,
        parameters=["list_id"],
        success=answer("Nothing of it starts any more.", "paused", {"paused": True}),
        errors=of_a_list("cancel"),
    )


def _resume_list() -> Operation:
    return operation(
        "POST",
        f"{_LIST}/resume",
        "resume_list",
        "Resume a list",
        "Undoes `pause` of the list; what is due starts at once.",
        tag=_TAG,
        parameters=["list_id"],
        success=answer("What is due starts.", "paused", {"paused": False}),
        errors=of_a_list("queue"),
    )
