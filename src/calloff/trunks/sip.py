"""Real calls: the SIP trunk (RFC 3261), on the SIP client and the media engine of its process."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from calloff.domain.clock import boot_time
from calloff.domain.errors import CalloffError, InvalidInput
from calloff.domain.permits import AbandonedAttempt, Permit
from calloff.media.events import Statistics
from calloff.sip.dialog import DialogState
from calloff.sip.digest import Credentials
from calloff.sip.errors import InvalidMessage
from calloff.sip.events import Address, EndCause, Ended, Event, NotRegistered, Registered
from calloff.sip.registration import Registration
from calloff.sip.sdp import LocalMedia
from calloff.sip.setup import CallSetup, RegistrationSetup
from calloff.sip.takeover import TakeoverSetup
from calloff.sip.trace import Trace
from calloff.trunks.base import Leg, TooLate, TrunkUnavailable
from calloff.trunks.dialstring import check_permit, parse_digits
from calloff.trunks.sip_attempt import SipAttempt, crypto_keys
from calloff.trunks.sip_endpoint import SipEndpoint
from calloff.trunks.sip_proxies import Proxies, Proxy
from calloff.trunks.sip_settings import CallerIdHeader, SipTrunkSettings

_LAST_WORDS = 6.0
"""Seconds for which a stop waits for what it hung up: longer than a datagram lives in the network (T4)."""
OnTrace = Callable[[Permit, Trace, Statistics | None], None]
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Registered:
    """What is known of the registration at one proxy."""

    machine: Registration | None = None
    problem: str | None = "the carrier has not answered the registration yet"


class SipTrunk:
    """A `Trunk` that dials through one carrier or PBX.

    Exactly one INVITE goes out per leg, retransmissions and authentication aside; redirects (3xx) are not followed and
    end as the carrier's error. A leg is over when no copy of its INVITE can leave or is on its way any more.
    """

    def __init__(self, settings: SipTrunkSettings, endpoint: SipEndpoint, on_trace: OnTrace | None = None) -> None:
        """`on_trace` is handed what went over the wire for each attempt, once it is over."""
        self._settings = settings
        self._on_trace = on_trace
        self._endpoint = endpoint
        self._sip = endpoint.sip
        self._target = settings.target
        self._proxies = Proxies(settings, endpoint.sip)
        self._attempts: dict[Leg, SipAttempt] = {}
        self._registered: dict[Proxy, _Registered] = {}
        self._credentials = (
            Credentials(settings.auth_user or settings.user, settings.password) if settings.password else None
        )
        self._running = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def legs(self) -> int:
        """How many are up."""
        return len(self._attempts)

    @property
    def ports(self) -> int:
        """How many legs this process can hold, on all its SIP trunks together."""
        return self._endpoint.settings.max_calls

    async def start(self) -> None:
        """Find the proxies, connect and register. Raises `TrunkUnavailable`."""
        if self._running:
            return
        await self._endpoint.acquire()
        try:
            await self._proxies.start()
        except TrunkUnavailable:
            await self._endpoint.release()
            raise
        self._running = True
        if self._settings.register:
            for proxy in self._proxies.all[:1]:
                self._register(proxy)

    async def stop(self) -> None:
        """Hang up what is left and let go of everything; a second call does nothing."""
        if not self._running:
            return
        self._running = False
        for attempt in list(self._attempts.values()):
            attempt.hang_up("hung up by the dialer")
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._idle.wait()
        for attempt in list(self._attempts.values()):
            attempt.abandon("hung up by the dialer")
        for registered in self._registered.values():
            if registered.machine is not None:
                self._sip.unregister(registered.machine)
        self._registered.clear()
        await self._proxies.stop()
        await self._endpoint.release()

    async def dial(self, permit: Permit) -> Leg:
        """Send one INVITE before this returns.

        Raises `InvalidInput`, `TooLate` or `TrunkUnavailable`: then none was sent.
        """
        check_permit(permit)
        if not self._running:
            raise TrunkUnavailable("The SIP trunk is not running; start it before dialing.")
        problem = "it has no address"
        for proxy in self._proxies.usable():
            if (registered := self._registered.get(proxy)) is not None and registered.problem is not None:
                problem = registered.problem
                continue
            attempt = self._dial_by(proxy, permit)
            if attempt.ended is None or attempt.ended.cause is not EndCause.NOT_SENT:
                return attempt.leg
            if boot_time() > permit.deadline:
                raise TooLate("The INVITE could not leave in time; none was sent.")
            problem = "nothing can be sent to it now"
        raise TrunkUnavailable(f"The trunk cannot be used: {problem}.")

    async def hang_up(self, leg: Leg) -> None:
        """CANCEL or BYE; `Ended` follows. A 200 that crosses the CANCEL is acknowledged and ended with a BYE."""
        if attempt := self._attempts.get(leg):
            attempt.hang_up("hung up by the dialer")

    async def take_over(self, attempt: AbandonedAttempt) -> None:
        """End what a dead dialer left: BYE if it was answered, else CANCEL at each proxy. Returns when that is over."""
        endings: list[asyncio.Future[Ended]] = []
        kept: dict[str, Any] = dict(attempt.kept)
        if kept:
            to = Address(**kept["to"])
            proxies = [proxy for proxy in self._proxies.all if proxy.address == to] or list(self._proxies.all[:1])
        else:
            proxies = list(self._proxies.all)
        state = kept.get("state")
        for proxy in proxies:
            ending: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
            setup = TakeoverSetup(
                identifiers=attempt.dialog,
                request_uri=self._target.of(self._settings.number_format.write(attempt.number)),
                from_uri=self._from(attempt.caller_id),
                local=self._proxies.local(proxy),
                sent_by=attempt.dialog.sent_by,
                dialog=DialogState(**{**state, "route_set": tuple(state["route_set"])}) if state else None,
                to=proxy.address,
                credentials=self._credentials,
            )
            self._sip.take_over(setup, proxy.address, _setter(ending), Trace())
            endings.append(ending)
        await asyncio.gather(*endings)

    async def send_digits(self, leg: Leg, digits: str) -> None:
        """Send RFC 4733 events, or tones to a far end that takes no events; ends early with the leg."""
        parse_digits(digits)
        if attempt := self._connected(leg):
            await attempt.media.send_keys(digits)

    def write(self, leg: Leg, pcm: bytes) -> int:
        """Queue media, of which two seconds wait at most."""
        attempt = self._connected(leg)
        return 0 if attempt is None else attempt.media.write(pcm)

    def flush(self, leg: Leg) -> None:
        """Drop the queued media; the packet that is just being sent may still go."""
        if attempt := self._connected(leg):
            attempt.media.flush()

    def read(self, leg: Leg, max_bytes: int) -> bytes:
        """Media that came, of which the newest two seconds are kept."""
        attempt = self._connected(leg)
        return b"" if attempt is None else attempt.media.read(max_bytes)

    def sent_by(self) -> str | None:
        """`host:port` of this process in the Via of its INVITEs (RFC 3261 section 18.1.1), for `DialogIds`."""
        proxy = next(iter(self._proxies.all), None)
        return None if proxy is None else self._proxies.local(proxy).sent_by

    def _connected(self, leg: Leg) -> SipAttempt | None:
        attempt = self._attempts.get(leg)
        return attempt if attempt is not None and attempt.connected else None

    def _dial_by(self, proxy: Proxy, permit: Permit) -> SipAttempt:
        settings, shared = self._settings, self._endpoint.settings
        local = self._proxies.local(proxy)
        leg = Leg(permit, permit.dialog.sip_call_id)
        try:
            media = self._endpoint.media.open(lambda event: attempt.on_media(event))
        except CalloffError as error:
            raise TrunkUnavailable(error.message) from error
        attempt = SipAttempt(
            leg,
            self._sip,
            proxy,
            media,
            session_timeout=settings.session_timeout,
            rtp_timeout=shared.rtp_timeout,
            media_networks=(*settings.media_networks, *self._proxies.hosts),
            on_end=self._over,
            on_trace=self._traced,
        )
        setup = CallSetup(
            identifiers=permit.dialog,
            request_uri=self._target.of(settings.number_format.write(permit.number)),
            from_uri=self._from(permit.caller_id),
            local=local,
            deadline=permit.deadline,
            ring_timeout=permit.ring_timeout,
            media=LocalMedia(
                host=local.host,
                port=media.port,
                codecs=settings.codecs,  # type: ignore[arg-type]
                crypto=crypto_keys() if settings.srtp else (),
            ),
            contact_user=settings.user,
            credentials=self._credentials,
            headers=self._identity(permit.caller_id),
            session_expires=settings.session_expires or None,
        )
        self._attempts[leg] = attempt
        self._idle.clear()
        try:
            attempt.call = self._sip.dial(setup, proxy.address, attempt.on_signalling, attempt.trace)
        except InvalidMessage as error:
            self._undo(attempt)
            raise InvalidInput(error.message) from error
        except CalloffError as error:
            self._undo(attempt)
            raise TrunkUnavailable(error.message) from error
        return attempt

    def _undo(self, attempt: SipAttempt) -> None:
        self._forget(attempt)
        attempt.media.close()

    def _forget(self, attempt: SipAttempt) -> None:
        self._attempts.pop(attempt.leg, None)
        if not self._attempts:
            self._idle.set()

    def _over(self, attempt: SipAttempt, ended: Ended) -> None:
        self._forget(attempt)
        if ended.retry_after:
            self._proxies.rest(attempt.proxy, ended.retry_after)

    def _traced(self, attempt: SipAttempt) -> None:
        if self._on_trace is not None and attempt.trace.messages:
            self._on_trace(attempt.leg.permit, attempt.trace, attempt.statistics)

    def _from(self, caller_id: str | None) -> str:
        shown = caller_id is not None and self._settings.caller_id_header == CallerIdHeader.FROM
        return f"sip:{self._shown(caller_id) if shown else self._settings.user}@{self._target.address}"

    def _shown(self, caller_id: str | None) -> str:
        return "" if caller_id is None else self._settings.caller_id_format.write(caller_id)

    def _identity(self, caller_id: str | None) -> tuple[tuple[str, str], ...]:
        """P-Asserted-Identity, Remote-Party-ID and Privacy, as the carrier wants them."""
        headers: list[tuple[str, str]] = []
        identity = f"<sip:{self._shown(caller_id)}@{self._target.address}>"
        privacy = self._settings.privacy
        if caller_id is not None:
            match self._settings.caller_id_header:
                case CallerIdHeader.PAI:
                    headers.append(("p-asserted-identity", identity))
                case CallerIdHeader.RPID:
                    off = "full" if privacy else "off"
                    headers.append(("remote-party-id", f"{identity};party=calling;screen=yes;privacy={off}"))
                case CallerIdHeader.FROM:
                    pass
        if privacy:
            headers.append(("privacy", "id"))
        return tuple(headers)

    def _register(self, proxy: Proxy) -> None:
        settings = self._settings

        registered = self._registered[proxy] = _Registered()

        def on_event(event: Event) -> None:
            match event:
                case Registered():
                    registered.problem = None
                case NotRegistered(code, retry_in):
                    registered.problem = (
                        f"the carrier refused the registration ({code})"
                        if code
                        else "the carrier does not answer the registration"
                    )
                    _log.error("%s; it is tried again in %.0f s", registered.problem, retry_in)

        registered.machine = self._sip.register(
            RegistrationSetup(
                registrar=f"sip:{self._target.address}",
                address_of_record=f"sip:{settings.user}@{self._target.address}",
                local=self._proxies.local(proxy),
                contact_user=settings.user,
                credentials=self._credentials,
                expires=settings.registration_expires,
            ),
            proxy.address,
            on_event,
        )


def _setter(ending: "asyncio.Future[Ended]") -> Any:
    def on_event(event: Event) -> None:
        if isinstance(event, Ended) and not ending.done():
            ending.set_result(event)

    return on_event
