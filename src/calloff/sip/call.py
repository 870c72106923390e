"""One attempt to reach somebody: from the INVITE to the last ACK (RFC 3261 sections 13 to 15).

    INVITING ──2xx──▶ talking ──BYE, lost──▶ ended        what the far end repeats is still answered, until `closed`
        │ 300 to 699, no response, 487 after CANCEL ──▶ ended
        │ given up: no copy leaves any more; CANCEL as soon as there is a 1xx; a 2xx gets ACK and BYE

`Ended` comes when no copy of the INVITE can leave any more, nor is one in the network: after a final response, or T4
after the last copy when there was no response at all, or 64·T1 after a CANCEL that nothing came of.
"""

from typing import Final

from calloff.sip import sdp
from calloff.sip.dialog import Dialog
from calloff.sip.digest import Authenticator
from calloff.sip.events import (
    Address,
    Answered,
    EndCause,
    Ended,
    Progress,
    Rang,
    Send,
    SendResult,
)
from calloff.sip.headers import Reason, retry_after
from calloff.sip.incoming import answer_request, receive_ack
from calloff.sip.invite import build_invite, contact
from calloff.sip.machine import Machine, shared_headers
from calloff.sip.message import Header, Request, Response
from calloff.sip.sdp import LocalMedia
from calloff.sip.server import reply, response_address, transaction_key
from calloff.sip.session import Session
from calloff.sip.session_timer import demanded
from calloff.sip.setup import CallSetup, repeated
from calloff.sip.transactions import ClientTransaction, State, ack_of_failure, cancel_of

_MAX_REPEATS: Final = 8
"""INVITEs after challenges and 422s, at most: several realms, each once more for a stale nonce."""
_MAX_REQUESTS: Final = 64
"""Requests of the far end that are remembered at once."""
_MAX_FORKS: Final = 16
"""Dialogs of one call; what else answers provisionally is passed over, a 2xx never."""


class OutgoingCall(Machine):
    """Made by `UserAgent.dial`, which also gives it what comes and takes what it sends."""

    def __init__(self, setup: CallSetup, now: float) -> None:
        super().__init__(
            setup.identifiers.sip_call_id,
            setup.local,
            setup.timers,
            Authenticator(setup.credentials),
            stream=setup.stream,
        )
        self.setup = setup
        self.ended = False
        """Whether `Ended` was given: no copy of the INVITE can leave any more."""
        self._attempt = self.authenticator.attempt()
        self._sessions: dict[str, Session] = {}
        self._session: Session | None = None
        self._given_up: EndCause | None = None
        self._canceled = False
        self._rang = False
        self._repeats = 0
        self._refused_by: Response | None = None
        self._session_expires = setup.session_expires
        self._min_session_expires = 0
        self._credentials: list[Header] = []
        self._offer = sdp.describe(setup.media)
        self._last_copy = now
        self._send_invite()

    def release(self) -> None:
        """Let go of what refers to it in turn."""
        super().release()
        self._sessions.clear()
        self._session = None
        self._invite.release()
        del self._first, self._latest

    # What sessions ask of their call

    @property
    def machine(self) -> Machine:
        """Itself."""
        return self

    @property
    def media(self) -> LocalMedia:
        """Our side of the sound."""
        return self.setup.media

    @property
    def contact(self) -> Header:
        """Where we are reached."""
        return contact(self.setup, self._local)

    @property
    def user_agent(self) -> str:
        """What User-Agent says."""
        return self.setup.user_agent

    @property
    def min_session_expires(self) -> int:
        """The shortest refresh interval that we accept."""
        return self.setup.min_session_expires

    def session_lost(self, session: Session, note: str, now: float) -> None:
        """The far end does not know the session any more, or does not refresh it: BYE, and over."""
        session.bye(now)
        if session is self._session:
            self._end(EndCause.LOST, now, code=200, note=note)

    def session_closed(self, session: Session, request: Request, now: float) -> None:
        """A BYE came."""
        session.over = True
        session.rewind(now)
        if session is self._session:
            reason = Reason.choose(request.values("reason"))
            self._end(EndCause.HUNG_UP_BY_THEM, now, code=200, reason=reason)

    # What its user asks for

    def hang_up(self, now: float, *, reason: str = "") -> None:
        """End it, in any state: nothing, CANCEL (once a provisional response is there) or BYE; `Ended` follows.

        No copy of the INVITE leaves from now on. `reason` is a Reason header's value (`Q.850;cause=16`), or empty.
        """
        if self.ended:
            return
        if self._session is not None:
            if not self._session.over:
                self._session.bye(now, reason)
                self._end(EndCause.HUNG_UP_BY_US, now, code=200)
        else:
            self._give_up(EndCause.HUNG_UP_BY_US, now)
        self.changed()

    def send_key(self, key: str, duration: float, now: float) -> bool:
        """Send a key by INFO; False if the far end does not take INFO or the call is not connected."""
        taken = self._session is not None and self._session.send_key(key, duration, now)
        self.changed()
        return taken

    def transfer(self, refer_to: str, now: float, *, referred_by: str = "") -> bool:
        """Ask the far end to call `refer_to` (a URI) in our place (REFER, RFC 3515); `TransferProgress` follows.

        False if the far end does not take REFER or the call is not connected. The call goes on until it is hung up.
        Raises `InvalidMessage` for what is no URI.
        """
        taken = self._session is not None and self._session.transfer(refer_to, referred_by, now)
        self.changed()
        return taken

    @property
    def closed(self) -> bool:
        """Whether nothing of it is left to be answered: the machine can be forgotten."""
        return self.ended and not self.client and not self.server and not self.alarms

    def transport_failed(self, now: float) -> None:
        """The connection that the INVITE went by is gone: an attempt without a final response is given up."""
        if self._session is None:
            self._give_up(EndCause.TRANSPORT, now)
        self.changed()

    # The INVITE

    def _send_invite(self) -> None:
        """Hand over an INVITE with the next CSeq: it leaves before the deadline, or not at all."""
        branch, cseq = repeated(self.setup.identifiers, self._repeats)
        self._local = self.local
        request = self._build(branch, cseq)
        data, local = self.encode(request, branch, strict=self._repeats == 0)
        if local is not self.local:
            self._local = local
            request = self._build(branch, cseq)
            data = request.encode()
        transaction = ClientTransaction(
            request,
            branch,
            self.timers,
            reliable=local.transport != "udp",
            send_again=self._send_again,
            on_response=lambda response, now: self._respond(transaction, response, now),
        )
        self._invite = self.client[(branch, "INVITE")] = transaction
        self._first = Send(data, None, local.transport, "INVITE", self, deadline=self.setup.deadline)
        self._latest = self._first
        self.sends.append(self._first)

    def _build(self, branch: str, cseq: int) -> Request:
        via = self.via(branch, self._local)
        request = build_invite(
            self.setup, via, self._local, cseq, self._offer, self._session_expires, self._min_session_expires
        )
        self._credentials = self.authenticator.headers("INVITE", request.uri, self._offer)
        for name, value in self._credentials:
            request.add(name, value)
        return request

    def sent(self, send: Send, result: SendResult, now: float) -> None:
        """What became of a fenced send: `UserAgent.sent` calls it."""
        if send is not self._first or self._invite.state is not State.CALLING or self._invite.started_at is not None:
            return
        if result is SendResult.NOT_SENT:
            self._not_sent(now)
            return
        self._invite.started(now)
        self._last_copy = now
        if self._ring_timeout not in self.alarms:
            self.alarms[self._ring_timeout] = now + self.setup.ring_timeout

    def _send_again(self, now: float) -> None:
        first = self._first
        self._last_copy = now
        self._latest = Send(first.data, None, first.transport, "INVITE", self)
        self.sends.append(self._latest)

    def _not_sent(self, now: float) -> None:
        """No INVITE with this CSeq left, and none will."""
        self._forget_invite()
        if self._refused_by is None:
            self._end(EndCause.NOT_SENT, now, note="no INVITE was sent")
        else:
            note = "the INVITE was not repeated: its deadline had passed"
            self._end_by(self._given_up or EndCause.TOO_LATE, self._refused_by, now, note)

    def _forget_invite(self) -> None:
        self._first.withdrawn = self._latest.withdrawn = True
        self._invite.stop()
        self.client.pop((self._invite.branch, "INVITE"), None)

    # Giving up

    def _ring_timeout(self, now: float) -> None:
        self._give_up(EndCause.RING_TIMEOUT, now)

    def _give_up(self, cause: EndCause, now: float) -> None:
        """From here on no copy of the INVITE leaves, and whoever answers is thanked and hung up on."""
        if self._given_up is not None or self.ended:
            return
        self._given_up = cause
        self.alarms.pop(self._ring_timeout, None)
        if self._invite.started_at is None:
            self._not_sent(now)
            return
        self._first.withdrawn = self._latest.withdrawn = True
        self._invite.stop_repeating()
        if self._invite.state is State.PROCEEDING:
            self._cancel(now)
        else:
            self.alarms[self._unheard] = self._last_copy + self.timers.t4

    def _unheard(self, now: float) -> None:
        """No response, and no copy is in the network any more (T4)."""
        self._end(self._given_up or EndCause.NO_RESPONSE, now, note="no response came")

    def _cancel(self, now: float) -> None:
        """CANCEL, once; and wait for the 487 no longer than 64·T1 (RFC 3261 section 9.1)."""
        if not self._canceled:
            self._canceled = True
            self.alarms.pop(self._unheard, None)
            self.alarms[self._unanswered_cancel] = now + self.timers.lifetime
            request = cancel_of(self._invite.request)
            self.start_request(request, self._invite.branch, now, lambda _response, _now: None, local=self._local)

    def _unanswered_cancel(self, now: float) -> None:
        self._invite.expire(now)
        self._end(self._given_up or EndCause.HUNG_UP_BY_US, now, note="the CANCEL came to nothing")

    # Responses

    def _respond(self, transaction: ClientTransaction, response: Response | None, now: float) -> None:
        if response is None:
            self._end(self._given_up or EndCause.NO_RESPONSE, now, note="no response came")
        elif response.status >= 300:
            self._acknowledge_failure(transaction, response)
            if transaction is self._invite:
                self._fail(response, now)
        elif response.status >= 200:
            self._succeed(transaction, response, now)
        elif transaction is self._invite:
            self._proceed(response, now)

    def _proceed(self, response: Response, now: float) -> None:
        code = response.status
        self._rang = self._rang or code not in (100, 199)
        if self._given_up is not None:
            self._cancel(now)
            return
        if code == 100:
            return
        tag = response.to_tag
        session = self._sessions.get(tag)
        if session is None and tag and len(self._sessions) < _MAX_FORKS:
            session = self._open(self._invite, response)
        if session is not None:
            if not session.acknowledge_provisional(response, now):
                return
            session.learn(response)
        self.events.append(Progress(code, session.media if session is not None else None))

    def _succeed(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Each 2xx gets an ACK, each dialog but the first a BYE, too (RFC 3261 section 13.2.2.4).

        One to an INVITE that was challenged before does not count: the repeated INVITE rings now.
        """
        self._rang = True
        session = self._sessions.get(response.to_tag)
        if session is None:
            session = self._open(transaction, response)
        if session.confirmed:
            session.acknowledge_again(response.cseq.number)
            return
        session.confirm(transaction.request, response, self._credentials, now)
        stray = transaction is not self._invite
        if stray or self._given_up is not None or self.ended or self._session is not None:
            session.bye(now)
            if self._session is None and not stray:
                self._wait_no_longer()
                cause = self._given_up or EndCause.HUNG_UP_BY_US
                self._end(cause, now, code=response.status, note="answered meanwhile")
            return
        self._wait_no_longer()
        self._session = session
        self.events.append(Answered(session.media, session.dialog.kept(), shared_headers(response)))

    def _open(self, transaction: ClientTransaction, response: Response) -> Session:
        setup = self.setup
        remote = setup.to_uri or setup.request_uri
        session = Session(self, Dialog.made_by(transaction.request, response, setup.from_uri, remote))
        if len(self._sessions) < 4 * _MAX_FORKS:
            self._sessions[response.to_tag] = session
        return session

    def _wait_no_longer(self) -> None:
        for alarm in (self._ring_timeout, self._unheard, self._unanswered_cancel):
            self.alarms.pop(alarm, None)

    def _fail(self, response: Response, now: float) -> None:
        if self.ended:
            return
        self.alarms.pop(self._unheard, None)
        self.alarms.pop(self._unanswered_cancel, None)
        if self._given_up is not None:
            self._end_by(self._given_up, response, now)
        elif self._repeats < _MAX_REPEATS and self._mended(response):
            self._repeat(response, now)
        else:
            self._end_by(EndCause.REFUSED, response, now)

    def _mended(self, response: Response) -> bool:
        """Whether an INVITE with other headers may do better: a challenge that can be answered, or a 422."""
        if response.status in (401, 407):
            return self._attempt.may_repeat(response)
        least = demanded(response) if response.status == 422 else None
        if least is None or self._session_expires is None or least <= self._min_session_expires:
            return False
        self._min_session_expires = least
        return True

    def _repeat(self, response: Response, now: float) -> None:
        self._refused_by = response
        self._repeats += 1
        self._sessions.clear()
        self._send_invite()

    def _acknowledge_failure(self, transaction: ClientTransaction, response: Response) -> None:
        ack = ack_of_failure(transaction.request, response)
        self.emit(ack.encode(), None, self._first.transport, "ACK")

    # Requests of the far end

    def expects(self, request: Request) -> bool:
        """Whether a request is for one of its dialogs."""
        return request.to_tag == self.setup.identifiers.from_tag

    def receive_request(self, request: Request, source: Address, now: float) -> None:
        """Answer a request within one of the call's dialogs."""
        session = self._sessions.get(request.from_tag)
        known = self.server.get(transaction_key(request))
        if request.method == "ACK":
            if session is not None:
                receive_ack(session, request, now)
        elif request.method == "CANCEL":
            self._reply(request, 200 if known is not None else 481, source)
        elif known is not None:
            known.repeated()
        elif session is None:
            self._reply(request, 481, source)
        elif len(self.server) >= _MAX_REQUESTS:
            self._reply(request, 500, source)
        else:
            answer_request(session, request, source, now)

    def _reply(self, request: Request, status: int, source: Address) -> None:
        response = reply(request, status, source.host, source.port)
        self.emit_message(response, response_address(request, source), source.transport)

    # The end

    def _end_by(self, cause: EndCause, response: Response, now: float, note: str = "") -> None:
        self._end(
            cause,
            now,
            code=response.status,
            phrase=response.phrase,
            reason=Reason.choose(response.values("reason")),
            wait=retry_after(response.get("retry-after")),
            note=note,
        )

    def _end(
        self,
        cause: EndCause,
        now: float,
        *,
        code: int | None = None,
        phrase: str = "",
        reason: Reason | None = None,
        wait: float | None = None,
        note: str = "",
    ) -> None:
        if self.ended:
            return
        self.ended = True
        self.alarms.pop(self._ring_timeout, None)
        self._first.withdrawn = self._latest.withdrawn = True
        self._invite.stop_repeating()
        rang = Rang.NO if code is not None or cause is EndCause.NOT_SENT else Rang.UNKNOWN
        rang = Rang.YES if self._rang else rang
        answered = self._session is not None
        self.events.append(Ended(cause, rang, answered, code, phrase, reason, wait, note))
