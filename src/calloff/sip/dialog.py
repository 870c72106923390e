"""A dialog (RFC 3261 section 12): what requests within it are made of, and which of theirs belong to it."""

from dataclasses import dataclass, replace

from calloff.sip.errors import Malformed
from calloff.sip.headers import NameAddress
from calloff.sip.message import Header, Request, Response, is_uri
from calloff.sip.uri import SipUri


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
    """The Record-Route headers of the response, in reverse (section 12.1.2)."""


class Dialog:
    """One side's view; ours is always the caller's."""

    def __init__(self, state: DialogState, *, has_target: bool = True) -> None:
        self.state = state
        self.local_cseq = state.local_cseq
        self.remote_cseq: int | None = None
        self._has_target = has_target

    @classmethod
    def made_by(cls, invite: Request, response: Response, local_uri: str, remote_uri: str) -> "Dialog":
        """The dialog of a response with a To tag. One without a Contact is taken: its target is the Request-URI."""
        target = contact_of(response)
        state = DialogState(
            call_id=invite.call_id,
            local_uri=local_uri,
            local_tag=invite.from_tag,
            remote_uri=remote_uri,
            remote_tag=response.to_tag,
            remote_target=target or invite.uri,
            local_cseq=invite.cseq.number,
            route_set=tuple(reversed(response.values("record-route"))),
        )
        return cls(state, has_target=target is not None)

    def confirm(self, response: Response) -> None:
        """Take route set and target anew from the 2xx (section 13.2.2.4)."""
        routes = tuple(reversed(response.values("record-route")))
        self.state = replace(self.state, route_set=routes or self.state.route_set)
        self.retarget(response)

    def retarget(self, message: Request | Response) -> None:
        """Take the target of a target refresh (re-INVITE, UPDATE and their 2xx; section 12.2)."""
        target = contact_of(message)
        if target is not None:
            self.state = replace(self.state, remote_target=target)
            self._has_target = True

    def kept(self) -> DialogState:
        """The state as it is now, for another process."""
        return replace(self.state, local_cseq=self.local_cseq)

    def next_cseq(self) -> int:
        """The number of the next request of ours."""
        self.local_cseq += 1
        return self.local_cseq

    def in_order(self, request: Request) -> bool:
        """Whether a request of theirs comes after all before it; remembers its number (section 12.2.2)."""
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def request_line(self) -> tuple[str, list[Header]]:
        """The Request-URI and the Route headers of a request within the dialog (section 12.2.1.1)."""
        state = self.state
        if not state.route_set:
            return state.remote_target, []
        first = _route_uri(state.route_set[0])
        if first is None or first.loose:
            return state.remote_target, [("route", route) for route in state.route_set]
        rest = (*state.route_set[1:], f"<{state.remote_target}>")
        return NameAddress.parse(state.route_set[0]).uri, [("route", route) for route in rest]

    def parties(self) -> list[Header]:
        """From, To and Call-ID of a request of ours."""
        state = self.state
        return [
            ("from", f"<{state.local_uri}>;tag={state.local_tag}"),
            ("to", f"<{state.remote_uri}>" + (f";tag={state.remote_tag}" if state.remote_tag else "")),
            ("call-id", state.call_id),
        ]

    def next_hop(self) -> SipUri | None:
        """Where a request within the dialog goes first; None where its INVITE went."""
        if self.state.route_set:
            return _route_uri(self.state.route_set[0])
        return sip_uri(self.state.remote_target) if self._has_target else None


def contact_of(message: Request | Response) -> str | None:
    """The URI of the first Contact that can be used; None if there is none."""
    for value in message.values("contact"):
        try:
            uri = NameAddress.parse(value).uri
        except Malformed:
            continue
        if is_uri(uri) and sip_uri(uri) is not None:
            return uri
    return None


def sip_uri(text: str) -> SipUri | None:
    """`text` as a SIP URI; None if it is none."""
    try:
        return SipUri.parse(text)
    except Malformed:
        return None


def _route_uri(route: str) -> SipUri | None:
    try:
        return SipUri.parse(NameAddress.parse(route).uri)
    except Malformed:
        return None
