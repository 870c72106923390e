"""The log of the SIP stack: what of it may be written down, and what it tells about the wire.

The stack writes URIs into its log lines, and phone numbers stand in URIs; so every line is masked before any handler
sees it. Its message trace goes nowhere but into `InviteWatch`, because that is the only place where the stack shows
that a request has left.
"""

import asyncio
import logging
import re
from collections import deque

_LOGGERS = ("baresip.call", "baresip.events", "baresip.native", "baresip.runtime", "baresip.ua")
_TRACE = "baresip.native.sip"
_DIGITS = re.compile(r"[0-9]{5,}")
_TRACED_INVITE = re.compile(r"TX [^\n]*\nINVITE .*?\r\n(?:Call-ID|i): *([^\r\n]+)", re.DOTALL | re.IGNORECASE)


def mask(text: str) -> str:
    """`text` with each run of five digits or more cut down to its last two."""
    return _DIGITS.sub(lambda match: "*" * (len(match[0]) - 2) + match[0][-2:], text)


class _Mask(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask(record.getMessage())
        record.args = None
        if isinstance(peer := getattr(record, "peer", None), str):
            record.peer = mask(peer)
        return True


class InviteWatch(logging.Handler):
    """Tells when the INVITE of a call has gone to the network, which may be long after the stack was asked for it:
    a name has to be resolved first, and a TCP or TLS connection to be made."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.DEBUG)
        self._loop = loop
        self._awaited: dict[str, asyncio.Event] = {}
        self._recent: deque[str] = deque(maxlen=512)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message of the stack's trace; called on the stack's log thread."""
        match = _TRACED_INVITE.match(record.getMessage())
        if match and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._mark, match[1])

    def left(self, call_id: str) -> asyncio.Event:
        """Set once an INVITE with this Call-ID has left; `forget` it when the call is over."""
        event = self._awaited.setdefault(call_id, asyncio.Event())
        if call_id in self._recent:
            event.set()
        return event

    def forget(self, call_id: str) -> None:
        """Free what is kept for a call that is over."""
        self._awaited.pop(call_id, None)

    def _mark(self, call_id: str) -> None:
        if event := self._awaited.get(call_id):
            event.set()
        else:
            self._recent.append(call_id)


def capture(watch: InviteWatch) -> None:
    """Mask the stack's log from now on, and send its message trace to `watch` alone."""
    masking = _Mask("calloff")
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for old in [f for f in logger.filters if isinstance(f, _Mask)]:
            logger.removeFilter(old)
        logger.addFilter(masking)
    trace = logging.getLogger(_TRACE)
    trace.propagate = False
    trace.setLevel(logging.DEBUG)
    trace.handlers = [watch]
