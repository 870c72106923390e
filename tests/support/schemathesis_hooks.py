"""What no JSON Schema can say, put right in what Schemathesis takes for valid (`SCHEMATHESIS_HOOKS` names this file).

A window has to be to come, a number has to exist, a list has to hold one, and a key is good for one request.
"""

import json
from typing import Any
from uuid import uuid4

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Leaves alone whatever is meant to be refused."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid4())
    if isinstance(case.body, dict):
        case.body = _put_right(case.body, is_json=case.media_type == "application/json")


def _put_right(sent: dict[str, Any], *, is_json: bool) -> dict[str, Any]:
    # Forms have no null; Schemathesis writes the word.
    body = {name: value for name, value in sent.items() if is_json or value is not None}
    if body.get("end_timestamp") not in (None, ""):
        body["end_timestamp"] = 4000000000
        if body.get("start_timestamp") not in (None, ""):
            body["start_timestamp"] = 0
    if body.get("result_url"):
        body["result_url"] = "http://192.0.2.1/"
    variables = body.get("variables")
    if isinstance(variables, str):
        body["variables"] = ""
    elif isinstance(variables, dict) and not is_json:
        # As the document's `encoding` says, which Schemathesis does not follow in URL-encoded forms.
        body["variables"] = json.dumps(variables)
    if body.get("phone_number"):
        # A pattern cannot say which numbers exist.
        body["phone_number"] = "6175551234"
    if "csv" in body:
        body["csv"] = "destination\n6175551234\n"
        # It has to come before the list, which no schema says and Schemathesis does not do.
        body.pop("destination_column", None)
    return body
