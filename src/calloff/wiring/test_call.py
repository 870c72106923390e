"""One call over a trunk, outside any queue, to hear whether it works: `calloff admin trunk test`."""

import asyncio
from collections.abc import Callable

from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import list_trunks
from calloff.config import Settings
from calloff.domain.errors import NotFound
from calloff.domain.numbers import understand
from calloff.domain.permits import Permit
from calloff.domain.phone import parse_number
from calloff.operations.access import OPERATOR, to_account
from calloff.operations.trunks import note_test_call
from calloff.trunks.base import Connected, Digit, Ended, Leg, LegEvent, Ringing, Trunk, boot_time
from calloff.trunks.sip_settings import SipEndpointSettings
from calloff.wiring.database import database
from calloff.wiring.trunks import Trunks

_TALK = 10.0
"""Seconds for which the call stays up; then it is hung up."""
_PATIENCE = 5.0
"""Seconds in which the INVITE has to leave."""


async def place_test_call(
    settings: Settings, name: str, number: str, caller_id: str | None, tell: Callable[[str], None]
) -> Ended:
    """Place one call, `tell` each event as it comes, and return how it ended.

    However it ends, the audit log says that it was made. Raises `NotFound`, `InvalidInput` for
    what is no number, and `TrunkUnavailable`.
    """
    destination = understand(parse_number(number, "The number"), field="The number").e164
    shown = None if caller_id is None else parse_number(caller_id, "The caller ID")
    sip = SipEndpointSettings(
        local_address=settings.sip_address, sip_port=0, rtp_ports=settings.rtp_port_range, ca_file=settings.sip_ca_file
    )
    async with database(settings) as pool:
        records = [record for record in await list_trunks(pool) if record.name == name]
        if not records:
            raise NotFound("There is no trunk of that name. List them with: calloff admin trunk list")
        trunks = Trunks(pool, SecretBox.open(settings.data_dir, settings.secret_key), sip, ports=1)
        try:
            trunk = await trunks.find(records[0].id)
            await note_test_call(pool, await to_account(pool, OPERATOR), records[0].id)
            leg = await trunk.dial(
                Permit.for_test_call(destination, shown, ring_timeout=60.0, deadline=boot_time() + _PATIENCE)
            )
            tell(f"dialed, SIP Call-ID {leg.sip_call_id}" if leg.sip_call_id else "dialed")
            hanging_up: asyncio.Task[None] | None = None
            while True:
                event = await leg.next_event()
                tell(_words(event))
                if isinstance(event, Ended):
                    if hanging_up is not None:
                        hanging_up.cancel()
                    return event
                if isinstance(event, Connected):
                    hanging_up = asyncio.create_task(_hang_up_later(trunk, leg))
        finally:
            await trunks.stop()


async def _hang_up_later(trunk: Trunk, leg: Leg) -> None:
    await asyncio.sleep(_TALK)
    await trunk.hang_up(leg)


def _words(event: LegEvent) -> str:
    match event:
        case Ringing(sip_code):
            return f"ringing ({sip_code})"
        case Connected(callee_type):
            return f"connected ({callee_type})" if callee_type else "connected"
        case Digit(digit):
            return f"key {digit}"
        case Ended(result, sip_code, reason):
            return f"ended: {result}" + (f", SIP {sip_code}" if sip_code else "") + (f" ({reason})" if reason else "")
