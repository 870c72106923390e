"""For supervisors and load balancers."""

from calloff.api.openapi.errors import Error, Errors
from calloff.api.openapi.operations import Operation, answer, operation

_NOT_READY = Error(
    "The database cannot be reached.",
    {"no_database": "The database cannot be reached. Start it, or check its address."},
)


def service() -> list[Operation]:
    """The operations."""
    return [
        _probe("healthz", "Is the process alive?", "ok", {}),
        _probe("readyz", "Can the service work?", "ready", {503: _NOT_READY}),
    ]


def _probe(operation_id: str, summary: str, status: str, errors: Errors) -> Operation:
    return operation(
        "GET",
        f"/{operation_id}",
        operation_id,
        summary,
        "Needs no credentials.",
        tag="Service",
        success=answer("Yes.", "health", {"status": status}),
        errors=errors,
        needs_credentials=False,
    )
