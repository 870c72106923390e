"""What all SIP trunks of a process share: one SIP port (`sip/`) and one media engine (`media/`)."""

import asyncio

from calloff.domain.errors import CalloffError
from calloff.media.agreement import MediaSettings
from calloff.media.client import MediaEngine
from calloff.sip.client import SipClient
from calloff.sip.wire import WireSettings
from calloff.trunks.base import TrunkUnavailable
from calloff.trunks.sip_settings import SipEndpointSettings


class SipEndpoint:
    """Runs while a trunk uses it. Its sockets and its process are made with the first trunk, and go with the last."""

    def __init__(self, settings: SipEndpointSettings) -> None:
        self.settings = settings
        self.sip = SipClient(
            WireSettings(address=settings.local_address, port=settings.sip_port, ca_file=settings.ca_file)
        )
        self.media = MediaEngine(
            MediaSettings(
                local_address=settings.local_address or "0.0.0.0",  # noqa: S104 - what SDP names is reached there
                ports=settings.rtp_ports,
                max_calls=settings.max_calls,
                dscp=settings.rtp_dscp,
            )
        )
        self._users = 0
        self._changing = asyncio.Lock()

    async def acquire(self) -> None:
        """Run from now on, until it is released as often. Raises `TrunkUnavailable`."""
        async with self._changing:
            try:
                self.sip.acquire()
                if not self._users:
                    await self.media.start()
            except CalloffError as error:
                self.sip.release()
                raise TrunkUnavailable(error.message) from error
            self._users += 1

    async def release(self) -> None:
        """Undo one `acquire`."""
        async with self._changing:
            self._users -= 1
            self.sip.release()
            if not self._users:
                await self.media.stop()
