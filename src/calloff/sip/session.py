"""What we do within one dialog: ACK, PRACK, BYE, refreshes, keys and transfers; and what was agreed of the sound.

A call has one session for each fork that answered its INVITE, provisionally or not. `incoming.py` has what the far end
asks for.
"""

from collections.abc import Callable
from typing import Protocol

from calloff.sip import sdp
from calloff.sip.dialog import Dialog
from calloff.sip.errors import InvalidMessage, Malformed
from calloff.sip.events import Address, MediaChanged, Send, TransferProgress, Transport
from calloff.sip.headers import number
from calloff.sip.machine import Machine, Repeating, new_branch
from calloff.sip.message import Header, Request, Response, body_of, is_uri
from calloff.sip.refresh import Refresh
from calloff.sip.sdp import AgreedMedia, LocalMedia
from calloff.sip.session_timer import SessionTimer
from calloff.sip.setup import Local
from calloff.sip.uri import SipUri

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY"
"""What we answer with other than a refusal. No REFER: nobody but us decides whom Calloff calls."""
SUPPORTED = "timer, 100rel"


class Owner(Protocol):
    """What a session needs of its call."""

    @property
    def machine(self) -> Machine:
        """Transactions, timers and the way out."""
        ...

    @property
    def media(self) -> LocalMedia:
        """Our side of the sound."""
        ...

    @property
    def contact(self) -> Header:
        """Where we are reached."""
        ...

    @property
    def user_agent(self) -> str:
        """What User-Agent says."""
        ...

    @property
    def min_session_expires(self) -> int:
        """The shortest refresh interval that we accept."""
        ...

    def session_lost(self, session: "Session", note: str, now: float) -> None:
        """The far end does not know the session any more, or does not refresh it."""
        ...

    def session_closed(self, session: "Session", request: Request, now: float) -> None:
        """A BYE came."""
        ...


class Session:
    """One dialog of a call."""

    def __init__(self, owner: Owner, dialog: Dialog) -> None:
        self.owner = owner
        self.machine = owner.machine
        self.dialog = dialog
        self.confirmed = False
        self.over = False
        """Whether a BYE went out or came."""
        self.media: AgreedMedia | None = None
        self.timer = SessionTimer()
        self.peer_allows: frozenset[str] = frozenset()
        self.offer_pending = False
        """Whether a re-INVITE of ours waits for its response (glare)."""
        self.transferring = False
        self.sdp_version = 1
        self.sdp_sent: bytes = b""
        self.offered_in_reply = False
        """Whether our 2xx to their INVITE without SDP held our offer, so that their ACK has the answer."""
        self._acks: dict[int, Send] = {}
        self._last_rseq: int | None = None

    # The answer to our INVITE

    def learn(self, response: Response) -> bool:
        """Take what a response to our INVITE says of the sound; whether it is news (section 13.2.1)."""
        allows = response.values("allow")
        if allows:
            self.peer_allows = frozenset(part.upper() for part in allows)
        body = body_of(response, "application/sdp")
        if body is None:
            return False
        try:
            agreed = sdp.agree(self.owner.media, body)
        except Malformed:
            return False
        news = agreed is not None and agreed != self.media
        self.media = agreed or self.media
        return news

    def confirm(self, invite: Request, response: Response, credentials: list[Header], now: float) -> None:
        """A 2xx came for the first time: the ACK leaves (section 13.2.2.4), and the session timer begins."""
        self.confirmed = True
        self.dialog.confirm(response)
        self.learn(response)
        self.acknowledge(invite, credentials)
        self.timer.agreed_by_response(response)
        self.rewind(now)

    def acknowledge(self, invite: Request, credentials: list[Header] | tuple[Header, ...], body: bytes = b"") -> None:
        """Send the ACK of a 2xx, and keep it for repetitions of that 2xx."""
        branch = new_branch()
        request = self._request("ACK", branch, invite.cseq.number, list(credentials), body)
        data, local = self.machine.encode(request, branch, self.dialog.next_hop())
        ack = self._acks[invite.cseq.number] = Send(data, self.hop(local), local.transport, "ACK", self.machine)
        self.machine.sends.append(ack)

    def acknowledge_again(self, cseq: int) -> bool:
        """A 2xx was repeated: the same ACK again (section 13.2.2.4). False if it was not repeated, but is the first."""
        ack = self._acks.get(cseq)
        if ack is not None:
            self.machine.emit(ack.data, ack.to, ack.transport, "ACK")
        return ack is not None

    def acknowledge_provisional(self, response: Response, now: float) -> bool:
        """PRACK a reliable provisional response (RFC 3262 section 4); False if it is out of order: pass it over."""
        if "100rel" not in response.tokens("require"):
            return True
        try:
            rseq = number(response.get("rseq") or "")
        except Malformed:
            return True
        if self._last_rseq is not None and rseq != self._last_rseq + 1:
            return False
        self._last_rseq = rseq
        rack = f"{rseq} {response.cseq.number} {response.cseq.method}"
        self._send("PRACK", [("rack", rack)], b"", lambda _response, _now: None, now)
        return True

    # Requests of ours

    def bye(self, now: float, reason: str = "") -> None:
        """End the dialog: it is over as soon as the BYE has left (section 15.1.1)."""
        if self.over:
            return
        self.over = True
        self.machine.alarms.pop(self._alarm, None)
        self._send("BYE", [("reason", reason)] if reason else [], b"", lambda _response, _now: None, now)

    def send_key(self, key: str, duration: float, now: float) -> bool:
        """A key by INFO (`application/dtmf-relay`)."""
        if not self.confirmed or self.over or (self.peer_allows and "INFO" not in self.peer_allows):
            return False
        body = f"Signal={key}\r\nDuration={round(duration * 1000)}\r\n".encode("latin-1", "replace")
        headers = [("content-type", "application/dtmf-relay")]
        self._send("INFO", headers, body, self._lost_after, now)
        return True

    def transfer(self, refer_to: str, referred_by: str, now: float) -> bool:
        """REFER (RFC 3515); what comes of it is told by NOTIFY. Raises `InvalidMessage` for what is no URI."""
        if not is_uri(refer_to) or (referred_by and not is_uri(referred_by)):
            raise InvalidMessage("A transfer needs a SIP address, without blanks, quotes or angle brackets.")
        if not self.confirmed or self.over or (self.peer_allows and "REFER" not in self.peer_allows):
            return False
        self.transferring = True
        headers = [("refer-to", f"<{refer_to}>"), self.owner.contact]
        if referred_by:
            headers.append(("referred-by", f"<{referred_by}>"))
        self._send("REFER", headers, b"", self._referred, now)
        return True

    def _referred(self, response: Response | None, now: float) -> None:
        code = response.status if response is not None else 408
        accepted = 200 <= code < 300
        self.transferring = self.transferring and accepted
        if code >= 200 and not self.over:
            self.machine.events.append(TransferProgress(code, final=not accepted))
        self._lost_after(response, now)

    def _lost_after(self, response: Response | None, now: float) -> None:
        if not self.over and (response is None or response.status in (408, 481)):
            self.owner.session_lost(self, "a request within the call was not answered, or not known there", now)

    # Session timers (RFC 4028)

    def rewind(self, now: float) -> None:
        """A refresh was made: the timer begins anew."""
        self.machine.alarms.pop(self._alarm, None)
        alarm = self.timer.next_alarm(now)
        if alarm is not None and not self.over:
            self.machine.alarms[self._alarm] = alarm

    def _alarm(self, now: float) -> None:
        if self.over:
            return
        if not self.timer.ours:
            self.owner.session_lost(self, "the far end did not refresh the session (RFC 4028)", now)
        else:
            Refresh(self, now)

    # The way out

    def hop(self, local: Local) -> Address | None:
        """Where requests of this dialog go next."""
        return self.machine.address(self.dialog.next_hop(), local)

    def _send(
        self,
        method: str,
        headers: list[Header],
        body: bytes,
        on_response: Callable[[Response | None, float], None],
        now: float,
    ) -> None:
        def build(branch: str) -> tuple[Request, SipUri | None]:
            request = self._request(method, branch, self.dialog.next_cseq(), headers, body)
            return request, self.dialog.next_hop()

        Repeating(self.machine, build, on_response, now)

    def _request(self, method: str, branch: str, cseq: int, headers: list[Header], body: bytes) -> Request:
        uri, routes = self.dialog.request_line()
        return Request(
            method,
            uri,
            [
                self.machine.via(branch),
                ("max-forwards", "70"),
                *self.dialog.parties(),
                ("cseq", f"{cseq} {method}"),
                *routes,
                ("user-agent", self.owner.user_agent),
                *headers,
            ],
            body,
        )

    def emit_response(self, response: Response, to: Address, transport: Transport) -> None:
        """A response within the dialog."""
        self.machine.emit_message(response, to, transport)

    def reinvite(self, branch: str, headers: list[Header], body: bytes) -> Request:
        """A re-INVITE with our description."""
        given = [self.owner.contact, ("allow", ALLOW), ("supported", SUPPORTED), *headers]
        if body:
            given.append(("content-type", "application/sdp"))
        return self._request("INVITE", branch, self.dialog.next_cseq(), given, body)

    def update(self, branch: str, headers: list[Header]) -> Request:
        """An UPDATE without SDP (RFC 3311)."""
        given = [self.owner.contact, ("supported", SUPPORTED), *headers]
        return self._request("UPDATE", branch, self.dialog.next_cseq(), given, b"")

    def change_media(self, agreed: AgreedMedia | None) -> None:
        """Something else was agreed."""
        if agreed != self.media:
            self.media = agreed
            if self.confirmed:
                self.machine.events.append(MediaChanged(agreed))
