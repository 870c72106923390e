"""What the far end asks for within a dialog, and what it gets (RFC 3261 sections 12.2.2, 14.2 and 15.1.2).

Each method is a function of its own; a request that no rule refuses is answered at once.
"""

import re
from collections.abc import Callable
from typing import Final

from calloff.sip import sdp
from calloff.sip.errors import Malformed
from calloff.sip.events import Address, KeyPressed, TransferProgress
from calloff.sip.message import Header, Request, body_of
from calloff.sip.server import ServerTransaction, reply, response_address, transaction_key
from calloff.sip.session import ALLOW, SUPPORTED, Session
from calloff.sip.session_timer import session_expires

Answer = tuple[int, list[Header], bytes]
"""Status, headers, body."""

_TAGS: Final = frozenset(part.strip() for part in SUPPORTED.split(","))
_ALLOWED: Final = ("allow", ALLOW)
_SDP: Final = ("content-type", "application/sdp")
_SIGNAL = re.compile(rb"^\s*Signal\s*=\s*([0-9*#A-Da-d]|1[0-5])\s*$", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(rb"^\s*Duration\s*=\s*([0-9]{1,5})\s*$", re.IGNORECASE | re.MULTILINE)
_KEYS: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_FRAGMENT = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9]{2})")


def answer_request(session: Session, request: Request, source: Address, now: float) -> None:
    """Answer a request of the session's dialog that is no ACK and no CANCEL, and no repetition of one before."""
    status, headers, body = _decide(session, request, now)
    response = reply(request, status, source.host, source.port, headers=headers, body=body)
    machine = session.machine
    to = response_address(request, source)

    def lost(at: float) -> None:
        session.owner.session_lost(session, "the 200 to a re-INVITE was not acknowledged", at)

    machine.server[transaction_key(request)] = ServerTransaction(
        request,
        response,
        now,
        machine.timers,
        reliable=source.transport != "udp",
        send=lambda message: machine.emit_message(message, to, source.transport),
        on_silence=lost,
    )
    if request.method == "BYE" and status == 200:
        session.owner.session_closed(session, request, now)


def receive_ack(session: Session, request: Request, now: float) -> None:
    """An ACK: of our 2xx by its CSeq, of a failure by its branch; the former may hold the answer to our offer."""
    for transaction in session.machine.server.values():
        mine = transaction.request
        if mine.method == "INVITE" and mine.cseq.number == request.cseq.number and not transaction.acknowledged:
            transaction.acknowledge(now)
            if session.offered_in_reply and transaction.response.status < 300:
                session.offered_in_reply = False
                _take_answer(session, request)


def _decide(session: Session, request: Request, now: float) -> Answer:
    method = _METHODS.get(request.method)
    if method is None:
        return 405, [_ALLOWED], b""
    if not session.dialog.in_order(request):
        return 500, [("retry-after", "1")], b""
    unknown = sorted(request.tokens("require") - _TAGS)
    if unknown:
        return 420, [("unsupported", ", ".join(unknown))], b""
    if session.over and request.method != "BYE":
        return 481, [], b""
    return method(session, request, now)


def _bye(session: Session, request: Request, now: float) -> Answer:
    # Nobody may end an early dialog with a BYE but its caller (section 15).
    return (200, [], b"") if session.confirmed else (481, [], b"")


def _options(session: Session, request: Request, now: float) -> Answer:
    return 200, [_ALLOWED, ("accept", "application/sdp"), ("supported", SUPPORTED)], b""


def _refer(session: Session, request: Request, now: float) -> Answer:
    return 603, [_ALLOWED], b""


def _prack(session: Session, request: Request, now: float) -> Answer:
    # Nothing that we send is to be acknowledged so (RFC 3262 section 3).
    return 481, [], b""


def _info(session: Session, request: Request, now: float) -> Answer:
    body, content_type = request.body, (request.get("content-type") or "").partition(";")[0].strip().lower()
    if request.get("info-package"):
        return 469, [("recv-info", "")], b""
    if content_type == "application/dtmf-relay":
        signal, duration = _SIGNAL.search(body[:256]), _DURATION.search(body[:256])
        key = signal[1].decode().upper() if signal else ""
        seconds = int(duration[1]) / 1000 if duration else 0.25
    elif content_type == "application/dtmf":
        key, seconds = body.strip()[:2].decode("latin-1").upper(), 0.25
    else:
        return (415, [("accept", "application/dtmf-relay, application/dtmf")], b"") if body else (200, [], b"")
    key = _KEYS.get(key, key)
    if len(key) == 1 and key in "0123456789*#ABCD" and session.confirmed:
        session.machine.events.append(KeyPressed(key, min(seconds, 10.0)))
    return 200, [], b""


def _notify(session: Session, request: Request, now: float) -> Answer:
    event = (request.get("event") or "").partition(";")[0].strip().lower()
    if event != "refer" or not session.transferring:
        return 481 if event == "refer" else 489, [], b""
    body = body_of(request, "message/sipfrag")
    fragment = _FRAGMENT.match(body) if body else None
    over = (request.get("subscription-state") or "").partition(";")[0].strip().lower() == "terminated"
    code = int(fragment[1]) if fragment else 408
    session.transferring = not over
    if fragment or over:
        session.machine.events.append(TransferProgress(code, final=over or code >= 200))
    return 200, [], b""


def _update(session: Session, request: Request, now: float) -> Answer:
    return _offer(session, request, now)


def _invite(session: Session, request: Request, now: float) -> Answer:
    if not session.confirmed:
        return 500, [("retry-after", "1")], b""
    return _offer(session, request, now)


def _offer(session: Session, request: Request, now: float) -> Answer:
    """A re-INVITE or UPDATE: what it changes of sound, target and session timer."""
    # Ours is not answered yet (RFC 3261 section 14.2, RFC 3311 section 5.2).
    unanswered = not session.confirmed and session.media is None and request.body
    if session.offer_pending or session.offered_in_reply or unanswered:
        return 491, [], b""
    given = session_expires(request)
    least = session.owner.min_session_expires
    if given is not None and given.seconds < least:
        return 422, [("min-se", str(least))], b""
    if request.body and body_of(request, "application/sdp") is None:
        return 415, [("accept", "application/sdp")], b""
    body = body_of(request, "application/sdp")
    headers: list[Header] = [session.owner.contact, _ALLOWED, ("supported", SUPPORTED)]
    ours = b""
    if body is not None:
        try:
            answered = sdp.answer(session.owner.media, body, session.sdp_version + 1)
        except Malformed:
            return 400, [], b""
        if answered is None:
            return 488, [("warning", '304 calloff "No G.711 sound was offered that can be taken"')], b""
        ours, agreed = answered
        session.sdp_version += 1
        session.sdp_sent = ours
        session.change_media(agreed)
        headers.append(_SDP)
    elif request.method == "INVITE":
        # Without an offer, ours is in the 2xx, and their answer in the ACK (section 13.2.1).
        session.sdp_version += 1
        ours = session.sdp_sent = sdp.describe(session.owner.media, session.sdp_version)
        session.offered_in_reply = True
        headers.append(_SDP)
    session.dialog.retarget(request)
    if session.confirmed:
        headers += session.timer.agreed_by_request(request)
        session.rewind(now)
    return 200, headers, ours


def _take_answer(session: Session, ack: Request) -> None:
    body = body_of(ack, "application/sdp")
    if body is None:
        return
    try:
        session.change_media(sdp.agree(session.owner.media, body))
    except Malformed:
        return


_METHODS: Final[dict[str, Callable[[Session, Request, float], Answer]]] = {
    "BYE": _bye,
    "OPTIONS": _options,
    "REFER": _refer,
    "PRACK": _prack,
    "INFO": _info,
    "NOTIFY": _notify,
    "UPDATE": _update,
    "INVITE": _invite,
}
