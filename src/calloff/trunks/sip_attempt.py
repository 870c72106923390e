"""One attempt over SIP: its signalling and its media, told to whoever follows the leg."""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import asdict

from calloff.domain.masking import mask_numbers
from calloff.domain.results import Result, result_of_sip_code
from calloff.media.agreement import Address as MediaAddress
from calloff.media.agreement import Agreement, SrtpKey, SrtpProfile
from calloff.media.agreement import Direction as MediaDirection
from calloff.media.events import Closed, Key, Lost, MediaEvent, NoMedia, Statistics
from calloff.media.session import Session
from calloff.media.sound import Codec
from calloff.sip.call import OutgoingCall
from calloff.sip.client import SipClient
from calloff.sip.events import Answered, EndCause, Ended, Event, KeyPressed, MediaChanged, Progress, Rang
from calloff.sip.sdp import AgreedMedia, CryptoKey
from calloff.sip.trace import Trace
from calloff.trunks import base
from calloff.trunks.base import Connected, Digit, Leg, Ringing
from calloff.trunks.sip_proxies import Proxy

_LONGEST_REASON = 80
_NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - how a far end says that it wants nothing (RFC 3264 section 8.4)
_CODECS = {"pcmu": Codec.PCMU, "pcma": Codec.PCMA}
_PTIMES = (10, 20, 30, 40)
_log = logging.getLogger(__name__)


class SipAttempt:
    """What the trunk keeps of a leg that is not over. `on_end` is told when it is, `on_trace` when its media are."""

    def __init__(
        self,
        leg: Leg,
        sip: SipClient,
        proxy: Proxy,
        media: Session,
        *,
        session_timeout: float,
        rtp_timeout: float,
        media_networks: tuple[str, ...],
        on_end: Callable[["SipAttempt", Ended], None],
        on_trace: Callable[["SipAttempt"], None],
    ) -> None:
        self.leg = leg
        self.proxy = proxy
        self.media = media
        self.trace = Trace()
        self.call: OutgoingCall | None = None
        """Set by the trunk when it has dialed."""
        self.ended: Ended | None = None
        self.statistics: Statistics | None = None
        """What the media have counted, once they are closed."""
        self.connected = False
        self._sip = sip
        self._session_timeout = session_timeout
        self._rtp_timeout = rtp_timeout
        self._networks = media_networks
        self._on_end = on_end
        self._on_trace = on_trace
        self._result = Result.NO_ANSWER
        self._why = ""
        self._hung_up = False
        self._timer: asyncio.TimerHandle | None = None

    def hang_up(self, why: str, result: Result = Result.NO_ANSWER) -> None:
        """End it; `result` is what that means if nobody has answered."""
        if self.call is None or self.ended is not None or self._hung_up:
            return
        self._hung_up = True
        self._result, self._why = result, why
        self.media.flush()
        self._sip.hang_up(self.call)

    def on_signalling(self, event: Event) -> None:
        """Take an event of the call."""
        match event:
            case Progress(code, agreed):
                if agreed is not None:
                    self._agree(agreed)
                self.leg.publish(Ringing(code))
            case Answered():
                self._answered(event)
            case MediaChanged(agreed):
                if agreed is not None:
                    self._agree(agreed)
            case KeyPressed(key):
                if self.connected:
                    self.leg.publish(Digit(key))
            case Ended():
                self._over(event)
            case _:
                pass

    def on_media(self, event: MediaEvent) -> None:
        """Take an event of the sound."""
        match event:
            case Key(key):
                if self.connected and self.ended is None:
                    self.leg.publish(Digit(key))
            case NoMedia():
                self.hang_up("no media from the far end")
            case Lost():
                self.hang_up("the media engine died", Result.CARRIER_ERROR)
                if self.ended is not None:
                    self._on_trace(self)
            case Closed(statistics):
                self.statistics = statistics
                if self.ended is not None:
                    self._on_trace(self)
            case _:
                pass

    def abandon(self, why: str) -> None:
        """Be over now, because nothing more of it can leave or come: the sockets close."""
        if self.ended is None:
            self._why = self._why or why
            self._over(Ended(EndCause.HUNG_UP_BY_US, Rang.UNKNOWN, self.connected))

    def _answered(self, answered: Answered) -> None:
        if answered.media is None:
            # Somebody picked up, and there is nothing that both sides can speak.
            self.hang_up("no codec in common", Result.CARRIER_ERROR)
            return
        self.connected = True
        self.leg.dialog = {"state": asdict(answered.dialog), "to": asdict(self.proxy.address)}
        self._agree(answered.media)
        self.media.listen(sound=True)
        self._timer = asyncio.get_running_loop().call_later(self._session_timeout, self.hang_up, "session timeout")
        self.leg.publish(Connected())

    def _agree(self, agreed: AgreedMedia) -> None:
        self.media.update(agreement(agreed, (*self._networks, self.proxy.target.host)))
        if self.connected:
            self.media.watch(self._rtp_timeout if agreed.direction.receives else 0)

    def _over(self, ended: Ended) -> None:
        if self.ended is not None:
            return
        self.ended = ended
        if self._timer is not None:
            self._timer.cancel()
        if not self.media.is_open:
            self._on_trace(self)  # The engine has died, and says nothing more of this call.
        self.media.close()
        self._on_end(self, ended)
        if ended.cause is not EndCause.NOT_SENT:
            self.leg.publish(self._told(ended))

    def _told(self, ended: Ended) -> base.Ended:
        """The end as the dialer is told of it."""
        if self.connected:
            return base.Ended(Result.ANSWERED, 200, self._why or _reason(ended) or "hung up by the far end")
        if self._hung_up:
            # A 200 says that somebody has picked up, who is not to be rung again (`may_retry`).
            code = 200 if self._result is Result.CARRIER_ERROR and ended.code == 200 else None
            return base.Ended(self._result, code, self._why)
        match ended.cause:
            case EndCause.REFUSED if ended.code is not None:
                cause = ended.reason.q850 if ended.reason is not None else None
                return base.Ended(result_of_sip_code(ended.code, cause), ended.code, _reason(ended))
            case EndCause.TOO_LATE:
                return base.Ended(Result.CARRIER_ERROR, ended.code, ended.note)
            case EndCause.RING_TIMEOUT:
                return base.Ended(Result.NO_ANSWER, None, "ring timeout")
            case EndCause.NO_RESPONSE:
                return base.Ended(Result.NO_ANSWER, None, ended.note)
            case _:
                # Nobody can say what became of an INVITE that went by a connection that broke.
                return base.Ended(Result.UNKNOWN, None, ended.note or "the connection to the carrier broke")


def crypto_keys() -> tuple[CryptoKey, ...]:
    """New keys for an offer of SRTP, the better suite first (RFC 4568)."""
    return tuple(CryptoKey(tag, suite, os.urandom(30)) for tag, suite in enumerate(SrtpProfile, start=1))


def agreement(agreed: AgreedMedia, sources: tuple[str, ...]) -> Agreement:
    """What signalling agreed on, as the media engine takes it."""
    nowhere = agreed.host in _NOWHERE
    return Agreement(
        remote=None if nowhere else MediaAddress(agreed.host, agreed.port),
        remote_rtcp=None if nowhere else MediaAddress(agreed.host, agreed.rtcp_port),
        codec=_CODECS[agreed.codec],
        ptime=agreed.ptime if agreed.ptime in _PTIMES else 20,
        event_payload=agreed.dtmf_payload,
        event_payload_in=next(iter(agreed.dtmf_payloads - {agreed.dtmf_payload}), None),
        direction=MediaDirection(agreed.direction.value),
        send_key=_key(agreed.local_key),
        receive_key=_key(agreed.remote_key),
        sources=sources,
    )


def _key(key: CryptoKey | None) -> SrtpKey | None:
    return None if key is None else SrtpKey(SrtpProfile(key.suite), key.key)


def _reason(ended: Ended) -> str:
    """What the far end said, fit for a log: short, one line, no number and nothing that a terminal acts upon."""
    text = ended.phrase or (ended.reason.text if ended.reason is not None else "") or ended.note
    return mask_numbers("".join(char if char.isprintable() else " " for char in text)).strip()[:_LONGEST_REASON]
