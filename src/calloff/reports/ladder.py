"""The trace of an attempt as people read it: who sent what, when; numbers are masked where nobody is to see them."""

import re
from dataclasses import dataclass, replace

from calloff.domain.masking import mask_numbers
from calloff.reports.traces import AttemptTrace
from calloff.sip.events import Address
from calloff.sip.trace import Trace, TracedMessage

_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
"""What a terminal would act upon, and XML cannot hold."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message. Its text comes from the wire, without what a terminal would act upon; it is no markup."""

    at: float
    """Unix seconds."""
    after: float
    """Seconds since the first message of the attempt."""
    is_ours: bool
    """Whether we sent it."""
    ours: str
    """Our end, like `udp 192.0.2.1:5060`."""
    theirs: str
    title: str
    """`INVITE`, or `180 Ringing`."""
    text: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """The messages of an attempt, in order."""

    attempt: int
    steps: list[Step]
    left_out: int
    """Messages beyond those that are kept."""
    media: dict[str, float | None] | None
    """The counters of its sound (`media.events.Statistics`)."""


def ladder(trace: AttemptTrace, *, is_masked: bool) -> Ladder:
    """The trace, read; `is_masked` cuts each number in it down to its last digits."""
    read = Trace.unpack(trace.messages)
    began = read.messages[0].at if read.messages else 0.0
    return Ladder(
        trace.attempt,
        [_step(message, began, is_masked=is_masked) for message in read.messages],
        read.more,
        None if trace.media is None else dict(trace.media),
    )


def messages_of(traces: list[AttemptTrace], *, is_masked: bool) -> list[TracedMessage]:
    """The messages of all attempts, for a file of them."""
    found = [message for trace in traces for message in Trace.unpack(trace.messages).messages]
    if is_masked:
        found = [replace(message, data=_masked(message.data)) for message in found]
    return found


def _step(message: TracedMessage, began: float, *, is_masked: bool) -> Step:
    data = _masked(message.data) if is_masked else message.data
    text = _UNREADABLE.sub("\ufffd", data.decode("utf-8", "replace").replace("\r\n", "\n"))
    first = text.split("\n", 1)[0].split(" ")
    return Step(
        at=message.at,
        after=message.at - began,
        is_ours=not message.inward,
        ours=_shown(message.ours),
        theirs=_shown(message.theirs),
        title=(" ".join(first[1:]) if first[0].startswith("SIP/") else first[0])[:80],
        text=text,
    )


def _masked(data: bytes) -> bytes:
    return mask_numbers(data.decode("latin-1")).encode("latin-1")


def _shown(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{address.transport} {host}:{address.port}"
