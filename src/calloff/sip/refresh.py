"""One refresh of a session (RFC 4028 section 7.4)."""

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from calloff.sip import sdp
from calloff.sip.errors import Malformed
from calloff.sip.machine import new_branch
from calloff.sip.message import Response, body_of
from calloff.sip.session_timer import demanded
from calloff.sip.transactions import ack_of_failure

if TYPE_CHECKING:
    from calloff.sip.session import Session

_MAX_REPEATS: Final = 3


class Refresh:
    """One refresh of the session: UPDATE where the far end takes it, else a re-INVITE with the same SDP."""

    def __init__(self, session: "Session", now: float) -> None:
        self._session = session
        self._machine = session.machine
        self._attempt = session.machine.authenticator.attempt()
        self._repeats = 0
        self._updates = "UPDATE" in session.peer_allows
        self._send(now)

    def _send(self, now: float) -> None:
        session = self._session
        if session.over:
            return
        branch = new_branch()
        headers = session.timer.headers()
        if self._updates:
            request = session.update(branch, headers)
        else:
            session.offer_pending = True
            session.sdp_sent = session.sdp_sent or sdp.describe(session.owner.media, session.sdp_version)
            request = session.reinvite(branch, headers, session.sdp_sent)
        for name, value in self._machine.authenticator.headers(request.method, request.uri, request.body):
            request.add(name, value)
        self._request = request
        self._answered = False
        self._machine.start_request(request, branch, now, self._respond, session.dialog.next_hop())

    def _respond(self, response: Response | None, now: float) -> None:
        session = self._session
        if response is not None and response.status < 200:
            return
        if response is not None and self._request.method == "INVITE":
            self._acknowledge(response)
        if session.over or self._answered:
            return
        self._answered = True
        session.offer_pending = False
        if response is None or response.status in (408, 481):
            session.owner.session_lost(session, "the refresh of the session was not answered, or not known there", now)
        elif response.status < 300:
            self._refreshed(response, now)
        elif self._again(response):
            self._send(now)
        elif response.status == 491 and self._repeats < _MAX_REPEATS:
            self._repeats += 1
            # We own the Call-ID: 2.1 to 4 s in steps of 10 ms (RFC 3261 section 14.1).
            self._machine.alarms[self._send] = now + random.randrange(210, 401) / 100  # noqa: S311
        else:
            # Refused, but alive: try again at the next half of the interval.
            session.rewind(now)

    def _again(self, response: Response) -> bool:
        if response.status in (401, 407):
            return self._attempt.may_repeat(response)
        least = demanded(response) if response.status == 422 else None
        if least is None or self._repeats >= _MAX_REPEATS:
            return False
        self._repeats += 1
        self._session.timer.seconds = max(least, self._session.timer.seconds)
        return True

    def _acknowledge(self, response: Response) -> None:
        session = self._session
        if response.status < 300:
            if not session.acknowledge_again(self._request.cseq.number):
                session.dialog.retarget(response)
                session.acknowledge(self._request, ())
        else:
            request = ack_of_failure(self._request, response)
            data, local = self._machine.encode(request, request.via.branch, session.dialog.next_hop())
            self._machine.emit(data, session.hop(local), local.transport, "ACK")

    def _refreshed(self, response: Response, now: float) -> None:
        session = self._session
        before = session.timer.seconds
        session.timer.agreed_by_response(response)
        session.timer.seconds = session.timer.seconds or before
        session.dialog.retarget(response)
        body = body_of(response, "application/sdp")
        if self._request.method == "INVITE" and body is not None:
            with suppress(Malformed):
                session.change_media(sdp.agree(session.owner.media, body))
        session.rewind(now)
