"""Builds the INVITE of a call (RFC 3261 section 13.2.1)."""

import re

from calloff.sip.errors import InvalidMessage
from calloff.sip.message import Header, Request, is_uri, quoted
from calloff.sip.session import ALLOW, SUPPORTED
from calloff.sip.setup import CallSetup, Local

_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/%-]+", re.ASCII)
"""What may stand before the `@` of a URI (RFC 3261 section 25.1)."""


def contact(setup: CallSetup, local: Local) -> Header:
    """Where the far end sends its own requests."""
    suffix = "" if local.transport == "udp" else f";transport={local.transport}"
    return "contact", f"<sip:{setup.contact_user}@{local.sent_by}{suffix}>"


def build_invite(
    setup: CallSetup, via: Header, local: Local, cseq: int, offer: bytes, session_expires: int | None, min_se: int
) -> Request:
    """Without credentials. `min_se` is what a 422 demanded, 0 if none did. Raises `InvalidMessage`."""
    if not is_uri(setup.from_uri) or not is_uri(setup.to_uri or setup.request_uri):
        raise InvalidMessage("The caller's or the callee's address is no URI; nothing was dialed.")
    if not _USER.fullmatch(setup.contact_user):
        raise InvalidMessage("The user of our Contact cannot stand in a SIP address; nothing was dialed.")
    name = quoted(setup.display_name) + " " if setup.display_name else ""
    request = Request(
        "INVITE",
        setup.request_uri,
        [
            via,
            ("max-forwards", "70"),
            ("from", f"{name}<{setup.from_uri}>;tag={setup.identifiers.from_tag}"),
            ("to", f"<{setup.to_uri or setup.request_uri}>"),
            ("call-id", setup.identifiers.sip_call_id),
            ("cseq", f"{cseq} INVITE"),
            *[("route", route) for route in setup.routes],
            contact(setup, local),
            ("allow", ALLOW),
            ("supported", SUPPORTED if setup.reliable_provisionals else "timer"),
            ("user-agent", setup.user_agent),
            *setup.headers,
            ("content-type", "application/sdp"),
        ],
        offer,
    )
    if session_expires is not None:
        request.add("session-expires", str(max(session_expires, min_se)))
    if min_se:
        request.add("min-se", str(min_se))
    return request
