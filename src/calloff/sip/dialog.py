"""A dialog (RFC 3261 section 12)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DialogState:
    """All that another process needs to send a request within the dialog; plain values, fit for JSON (`asdict`)."""

    call_id: str
    local_uri: str
    local_tag: str
    remote_uri: str
    remote_tag: str
    remote_target: str
    """Where requests of the dialog go: the far end's Contact."""
    local_cseq: int
    route_set: tuple[str, ...] = ()
