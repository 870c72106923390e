"""Call everything off, or pause."""

from calloff.api.openapi.errors import Error, in_a_deployment, invalid, of_a_call
from calloff.api.openapi.examples import CANCELLATIONS
from calloff.api.openapi.operations import DEPLOYMENT, OF_A_DEPLOYMENT, Operation, answer, operation
from calloff.domain.codes import Code

_TAG = "Stopping"


def stopping() -> list[Operation]:
    """The operations."""
    return [_cancel_call(), _cancel(), _list_cancellations(), _pause(), _resume()]


def _cancel_call() -> Operation:
    return operation(
        "DELETE",
        "/api/outbound/{call_id}",
        "cancel_call",
        "Cancel one call",
        "Calls off one pending call. A call that is dialing, connected or over is a conflict.",
        tag=_TAG,
        parameters=["call_id"],
        success=(202, {"description": "The call is off: it will not ring. The answer has no body."}),
        errors={
            **of_a_call("cancel"),
            409: Error(
                "The call is dialing, connected or over.",
                {"not_pending": "The call is not pending any more, so it cannot be canceled. Read its status."},
            ),
        },
    )


def _cancel() -> Operation:
    return operation(
        "DELETE",
        f"{DEPLOYMENT}/cancel",
        "cancel",
        "Cancel all pending calls",
        "Calls off every call that is not yet dialing, at any depth of the queue, in the time of one commit. "
        "Once this has answered 202, none of them rings. Calls that are dialing or connected go on to their "
        "own end unless `in_progress` says otherwise, and calls that are queued after the 202 are untouched. "
        "Repeating it is harmless.",
        tag=_TAG,
        parameters=[*OF_A_DEPLOYMENT, "in_progress"],
        success=(202, {"description": "Calls successfully canceled. The answer has no body."}),
        errors={
            **in_a_deployment("cancel"),
            **invalid(
                Code.IN_PROGRESS_INVALID,
                "in_progress is none of continue, hang_up, and nothing was called off. Give one of them.",
            ),
        },
    )


def _list_cancellations() -> Operation:
    return operation(
        "GET",
        f"{DEPLOYMENT}/cancellations",
        "list_cancellations",
        "List cancellations",
        "Who called off what, when and from where, newest first.",
        tag=_TAG,
        parameters=[*OF_A_DEPLOYMENT, "limit", "before"],
        success=answer("One page.", "cancellation_list", CANCELLATIONS),
        errors={
            **in_a_deployment("view", changes=False),
            **invalid(Code.LIMIT_INVALID, "limit is out of range. Give a number from 1 to 200."),
        },
    )


def _pause() -> Operation:
    return operation(
        "POST",
        f"{DEPLOYMENT}/pause",
        "pause",
        "Pause dialing",
        "Starts nothing more until `resume`; what is dialing or connected goes on, and what waits waits on.",
        tag=_TAG,
        parameters=OF_A_DEPLOYMENT,
        success=answer("Nothing starts any more.", "paused", {"paused": True}),
        errors=in_a_deployment("cancel"),
    )


def _resume() -> Operation:
    return operation(
        "POST",
        f"{DEPLOYMENT}/resume",
        "resume",
        "Resume dialing",
        "Undoes `pause`; what is due starts at once.",
        tag=_TAG,
        parameters=OF_A_DEPLOYMENT,
        success=answer("What is due starts.", "paused", {"paused": False}),
        errors=in_a_deployment("queue"),
    )
