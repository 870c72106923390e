"""What the SIP machines raise: never anything else, whatever comes from the network.

CalloffError
├── Malformed           bytes from the network that are no SIP message, header or SDP that can be used
├── InvalidMessage      we were asked to build a message that must not leave
└── TooLongForUdp       the INVITE is too long for a datagram, and no stream was given (RFC 3261 section 18.1.1)
"""

from calloff.domain.errors import CalloffError


class Malformed(CalloffError):
    """What came cannot be read; `message` says why, and quotes nothing of it."""


class InvalidMessage(CalloffError):
    """What was to be sent is no valid SIP message (a line break in a value, a missing header); nothing was sent."""


class TooLongForUdp(CalloffError):
    """The request exceeds 1,300 bytes and only UDP is there; nothing was sent. Give `CallSetup.stream` to mend it."""
