"""The OpenAPI 3.1 document of the API: the one source of `/openapi.json`, the page `/docs`, and docs/api.md.

operations      how an operation, its answers and its errors are written down
calls, lists, rules, stopping, service    the operations, one module a tag
callback        what is posted to a `result_url`
errors, examples, parameters, schemas, request_schemas, code_samples    what they are made of
"""

from calloff.api.openapi.callback import RESULTS, callback
from calloff.api.openapi.calls import calls
from calloff.api.openapi.errors import IN_EVERY_OPERATION
from calloff.api.openapi.lists import lists
from calloff.api.openapi.operations import error_answer, paths
from calloff.api.openapi.parameters import parameters
from calloff.api.openapi.request_schemas import request_schemas
from calloff.api.openapi.rules import RULES, rules
from calloff.api.openapi.schemas import Schema, answer_schemas
from calloff.api.openapi.service import service
from calloff.api.openapi.stopping import stopping


def openapi_document() -> Schema:
    """The whole document, as JSON holds it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Calloff",
            "version": "1.0.0",
            "summary": "Queue phone calls, and call all of them off with one request.",
            "description": (
                "Sign in with HTTP Basic: your e-mail address, and a developer key as the password. "
                "`Accept: application/json` or `application/xml` picks the representation of every answer. "
                "Whatever is not a 2xx has an error in its body: a sentence that says what to mend, "
                "and in JSON a code for programs beside it."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"developer_key": []}],
        "tags": [
            {"name": "Calls", "description": "Queue calls and follow them."},
            {"name": RESULTS, "description": "What Calloff sends to your server."},
            {"name": "Lists", "description": "What was uploaded, and calling off one of them."},
            {"name": "Stopping", "description": "Call everything off, or pause."},
            {"name": RULES, "description": "What may be dialed."},
            {"name": "Service", "description": "For supervisors and load balancers."},
        ],
        "paths": paths([*calls(), *lists(), *stopping(), *rules(), *service()]),
        "components": {
            "securitySchemes": {
                "developer_key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The e-mail address, and a developer key as the password.",
                }
            },
            "parameters": parameters(),
            "schemas": {**answer_schemas(), **request_schemas()},
            "responses": {
                f"error_{status}": error_answer(status, error) for status, error in IN_EVERY_OPERATION.items()
            },
            "callbacks": {"result": callback()},
        },
    }
