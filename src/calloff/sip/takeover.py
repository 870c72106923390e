"""The end of a call whose dialer died, from what was written with its start."""

from dataclasses import dataclass, field, replace
from typing import Final

from calloff.domain.permits import DialogIds
from calloff.sip.dialog import Dialog, DialogState
from calloff.sip.digest import Authenticator, Credentials
from calloff.sip.events import Address, EndCause, Ended, Rang
from calloff.sip.headers import Reason
from calloff.sip.machine import Machine, Repeating, new_branch
from calloff.sip.message import Header, Request, Response
from calloff.sip.setup import Local, Timers, repeated
from calloff.sip.transactions import ClientTransaction, State, ack_of_failure, cancel_of
from calloff.sip.uri import SipUri

_INVITES: Final = 4
"""How many INVITEs of the attempt there may have been: the first one, and those after a challenge, a stale nonce and a
422. A CANCEL of one that never was is answered with 481."""
_CSEQ_AHEAD: Final = 1000
"""How far a BYE's number is ahead of the last that was written down: the dead one may have sent more since."""


@dataclass(frozen=True, slots=True)
class TakeoverSetup:
    """What is known of the call."""

    identifiers: DialogIds
    request_uri: str
    from_uri: str
    local: Local
    """Where responses reach us now."""
    sent_by: str | None = None
    """`host:port` of the dead dialer's Via: a CANCEL only fits with it (RFC 3261 section 17.2.3); None takes ours."""
    dialog: DialogState | None = None
    """`Answered.dialog`, if it was kept: then a BYE goes out at once."""
    to_uri: str | None = None
    routes: tuple[str, ...] = ()
    to: Address | None = None
    """Where it went; None: where the trunk is."""
    credentials: Credentials | None = None
    timers: Timers = field(default_factory=Timers)


class Takeover(Machine):
    """Made by `UserAgent.take_over`; over with its `Ended`.

    A call whose dialog was kept gets a BYE. Of one that may still ring, every INVITE that there may have been gets a
    CANCEL; a 2xx that reaches us gets its ACK and a BYE.
    """

    def __init__(self, setup: TakeoverSetup, now: float) -> None:
        super().__init__(setup.identifiers.sip_call_id, setup.local, setup.timers, Authenticator(setup.credentials))
        self._setup = setup
        self._over = False
        self._answered = setup.dialog is not None
        self._acks: dict[str, bytes] = {}
        self._waiting = 0
        self._found = False
        if setup.dialog is not None:
            state = replace(setup.dialog, local_cseq=setup.dialog.local_cseq + _CSEQ_AHEAD)
            self._bye(Dialog(state), now)
        else:
            for number in range(_INVITES):
                self._cancel(number, now)

    @property
    def closed(self) -> bool:
        """Whether nothing of it is left to be answered."""
        return self._over and not self.client and not self.alarms

    # What was answered

    def _bye(self, dialog: Dialog, now: float) -> None:
        def build(branch: str) -> tuple[Request, SipUri | None]:
            uri, routes = dialog.request_line()
            headers: list[Header] = [
                self.via(branch),
                ("max-forwards", "70"),
                *dialog.parties(),
                ("cseq", f"{dialog.next_cseq()} BYE"),
                *routes,
            ]
            return Request("BYE", uri, headers), None if self._setup.to is not None else dialog.next_hop()

        def respond(response: Response | None, _now: float) -> None:
            if response is None or response.status >= 200:
                note = "the far end did not answer the BYE" if response is None else ""
                self._end(None if response is None else 200, note)

        Repeating(self, build, respond, now, self._setup.to)

    # What may ring

    def _cancel(self, number: int, now: float) -> None:
        invite = self._invite(number)
        transaction = ClientTransaction(
            invite,
            invite.via.branch,
            self.timers,
            reliable=self.local.transport != "udp",
            send_again=lambda _now: None,
            on_response=lambda response, at: self._respond(transaction, response, at),
        )
        transaction.started(now)
        transaction.stop_repeating()
        self.client[(transaction.branch, "INVITE")] = transaction
        self._waiting += 1
        self.start_request(
            cancel_of(invite),
            transaction.branch,
            now,
            lambda response, at: self._canceled(transaction, response, at),
            local=self.local,
            to=self._setup.to,
        )

    def _invite(self, number: int) -> Request:
        """What of the INVITE its CANCEL repeats (RFC 3261 section 9.1)."""
        setup = self._setup
        branch, cseq = repeated(setup.identifiers, number)
        sent_by = setup.sent_by or setup.local.sent_by
        return Request(
            "INVITE",
            setup.request_uri,
            [
                ("via", f"SIP/2.0/{self.local.transport.upper()} {sent_by};branch={branch};rport"),
                ("max-forwards", "70"),
                ("from", f"<{setup.from_uri}>;tag={setup.identifiers.from_tag}"),
                ("to", f"<{setup.to_uri or setup.request_uri}>"),
                ("call-id", setup.identifiers.sip_call_id),
                ("cseq", f"{cseq} INVITE"),
                *[("route", route) for route in setup.routes],
            ],
        )

    def _canceled(self, transaction: ClientTransaction, response: Response | None, now: float) -> None:
        """The CANCEL was answered: there is such an INVITE, or there is none (any more)."""
        if response is not None and response.status < 200:
            return
        if response is not None and response.status < 300:
            self._found = True
        elif transaction.state in (State.CALLING, State.PROCEEDING):
            transaction.stop()
            self._settle()

    def _respond(self, transaction: ClientTransaction, response: Response | None, now: float) -> None:
        """What the INVITE came to, where it reaches us: often only the dead one would have been told."""
        if response is None:
            self._settle()
        elif response.status >= 300:
            ack = ack_of_failure(transaction.request, response)
            self.emit(ack.encode(), self._setup.to, self.local.transport, "ACK")
            self._end(response.status, "", Reason.choose(response.values("reason")))
        elif response.status >= 200:
            self._hang_up(transaction, response, now)

    def _hang_up(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        known = self._acks.get(response.to_tag)
        if known is not None:
            self.emit(known, self._setup.to, self.local.transport, "ACK")
            return
        setup = self._setup
        dialog = Dialog.made_by(transaction.request, response, setup.from_uri, setup.to_uri or setup.request_uri)
        uri, routes = dialog.request_line()
        cseq = transaction.request.cseq.number
        ack = Request(
            "ACK",
            uri,
            [
                self.via(new_branch()),
                ("max-forwards", "70"),
                *dialog.parties(),
                ("cseq", f"{cseq} ACK"),
                *routes,
            ],
        ).encode()
        self._acks[response.to_tag] = ack
        self.emit(ack, self._setup.to, self.local.transport, "ACK")
        self._answered = True
        self._bye(dialog, now)

    def _settle(self) -> None:
        """One of the INVITEs can ring no more."""
        self._waiting -= 1
        if self._waiting == 0 and not self._answered:
            note = "the far end took the CANCEL" if self._found else "the far end knew of no such INVITE, or is silent"
            self._end(None, note)

    def _end(self, code: int | None, note: str, reason: Reason | None = None) -> None:
        if not self._over:
            self._over = True
            rang = Rang.YES if self._answered else Rang.UNKNOWN
            self.events.append(
                Ended(EndCause.HUNG_UP_BY_US, rang, self._setup.dialog is not None, code, reason=reason, note=note)
            )
