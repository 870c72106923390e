"""Where a trunk's requests go: its proxies, which of them are up, and the connections to them."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from calloff.domain.clock import boot_time
from calloff.domain.errors import CalloffError
from calloff.sip.client import SipClient
from calloff.sip.events import Address, Event, Pinged
from calloff.sip.locate import Target
from calloff.sip.setup import Local, PingSetup
from calloff.sip.wire import Held
from calloff.trunks.base import TrunkUnavailable
from calloff.trunks.sip_settings import SipTrunkSettings, networks

_LOOK_AGAIN = 30.0
"""Seconds after which the names of proxies are looked up again; the DNS says how long the answers hold."""
_LONGEST_REST = 600.0
_CONNECTING = 2.0
"""Seconds for which a start waits for a connection."""
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Proxy:
    """One address of the trunk."""

    target: Target
    held: Held | None = None
    """Its connection, over TCP and TLS."""
    answers: bool = True
    """Whether it answered the last OPTIONS."""
    rests_until: float = 0.0
    """The `boot_time()` until which it asked to be left alone (`Retry-After`)."""
    seconds: float | None = None
    """How long the last OPTIONS took to be answered."""

    @property
    def address(self) -> Address:
        """Where it is."""
        return Address(self.target.transport, self.target.host, self.target.port)

    @property
    def problem(self) -> str | None:
        """Why it cannot be used now, in words; None if it can."""
        if self.held is not None and self.held.connection is None:
            return self.held.why
        if self.rests_until > boot_time():
            return f"it asked to be left alone for {self.rests_until - boot_time():.0f} s more"
        return None


class Proxies:
    """The addresses of a trunk, found and watched while it runs."""

    def __init__(self, settings: SipTrunkSettings, sip: SipClient) -> None:
        self._settings = settings
        self._sip = sip
        self._networks = networks(settings.signalling_networks, "signalling_networks")
        self._all: list[Proxy] = []
        self._watching: asyncio.Task[None] | None = None

    @property
    def all(self) -> tuple[Proxy, ...]:
        """Every one, in order."""
        return tuple(self._all)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Their IP addresses."""
        return tuple(proxy.target.host for proxy in self._all)

    async def start(self) -> None:
        """Find them, and wait a moment for the first connection. Raises `TrunkUnavailable` if there are none."""
        self._sip.wire.allow_networks(self._networks)
        try:
            await self._find()
        except TrunkUnavailable:
            self._sip.wire.disallow_networks(self._networks)
            raise
        held = [proxy.held for proxy in self._all if proxy.held is not None]
        if held and len(held) == len(self._all):
            waiting = [asyncio.create_task(each.ready.wait()) for each in held]
            await asyncio.wait(waiting, timeout=_CONNECTING, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Close what is held, and listen to them no more."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
            self._sip.wire.disallow_networks(self._networks)
        await self._leave(self._all)
        self._all = []

    def usable(self) -> list[Proxy]:
        """Those that may be dialed by now, the best first. Raises `TrunkUnavailable`, which says what is wrong."""
        found = [proxy for proxy in self._all if proxy.problem is None]
        if not found:
            problem = next((proxy.problem for proxy in self._all), "it has no address")
            raise TrunkUnavailable(f"The trunk cannot be used: {problem}.")
        return sorted(found, key=lambda proxy: not proxy.answers)

    def rest(self, proxy: Proxy, seconds: float) -> None:
        """Leave it alone, as it asked (RFC 3261 section 21.5.4)."""
        proxy.rests_until = boot_time() + min(seconds, _LONGEST_REST)
        _log.warning("a proxy of the trunk asks to be left alone for %.0f s", seconds)

    def local(self, proxy: Proxy) -> Local:
        """Where the proxy reaches us. Raises `TrunkUnavailable`."""
        public = self._settings.public_address
        try:
            local = self._sip.wire.local(proxy.target)
        except OSError as error:
            raise TrunkUnavailable("No way leads to the trunk. Mend the network of this machine.") from error
        if public == "auto":
            host, port = self._sip.seen_as.get(proxy.target.host, (local.host, local.port))
            return Local(local.transport, host, port)
        return Local(local.transport, public or local.host, local.port)

    def ping(self, proxy: Proxy) -> "asyncio.Future[Pinged]":
        """Ask whether it is there (OPTIONS); the future never fails."""
        answered: asyncio.Future[Pinged] = asyncio.get_running_loop().create_future()

        def on_event(event: Event) -> None:
            if isinstance(event, Pinged) and not answered.done():
                answered.set_result(event)

        target = self._settings.target
        setup = PingSetup(
            request_uri=f"sip:{target.address}",
            from_uri=f"sip:{self._settings.user}@{target.address}",
            local=self.local(proxy),
        )
        self._sip.ping(setup, proxy.address, on_event)
        return answered

    async def _find(self) -> None:
        """Look the names up; keep what is known already, and let go of what is no more."""
        targets: list[Target] = []
        problem = ""
        for uri in self._settings.uris:
            try:
                targets += await self._sip.locator.locate(uri.host, uri.port, uri.transport)
            except CalloffError as error:
                problem = error.message
        if not targets:
            raise TrunkUnavailable(problem or "The trunk has no address.")
        known = {proxy.target: proxy for proxy in self._all}
        self._all = [known.get(target) or self._join(target) for target in dict.fromkeys(targets)]
        await self._leave(proxy for target, proxy in known.items() if target not in targets)

    def _join(self, target: Target) -> Proxy:
        self._sip.wire.allow([target.host], self._settings.dscp)
        held = None if target.transport == "udp" else self._sip.wire.hold(target, self._settings.dscp)
        return Proxy(target, held)

    async def _leave(self, proxies: Iterable[Proxy]) -> None:
        for proxy in list(proxies):
            self._sip.wire.disallow([proxy.target.host])
            if proxy.held is not None:
                await self._sip.wire.let_go(proxy.target)

    async def _watch(self) -> None:
        pause = self._settings.options_interval or _LOOK_AGAIN
        while True:
            await asyncio.sleep(pause)
            with suppress(TrunkUnavailable):
                await self._find()
            if self._settings.options_interval:
                await asyncio.gather(*(self._look(proxy) for proxy in self._all))

    async def _look(self, proxy: Proxy) -> None:
        try:
            pinged = await self.ping(proxy)
        except CalloffError as error:
            _log.warning("a proxy of the trunk cannot be asked: %s", error.message)
            return
        answers = pinged.code is not None
        if answers != proxy.answers:
            _log.warning("a proxy of the trunk %s OPTIONS", "answers" if answers else "no longer answers")
        proxy.answers, proxy.seconds = answers, pinged.seconds if answers else None
        if pinged.retry_after:
            self.rest(proxy, pinged.retry_after)
