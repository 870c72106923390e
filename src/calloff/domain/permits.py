"""What lets a call be dialed: a permit, which only the start of an attempt gives, and a trunk turns into a leg."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class DialogIds:
    """What names an attempt on the wire, known before its INVITE leaves, so that somebody else can end it."""

    sip_call_id: str
    """The Call-ID (RFC 3261 section 20.8)."""
    branch: str
    """Of the first INVITE's Via, with its magic cookie (RFC 3261 section 8.1.1.7)."""
    from_tag: str
    """Our tag (RFC 3261 section 19.3)."""
    cseq: int
    """The sequence number of the first INVITE (RFC 3261 section 8.1.1.5)."""
    sent_by: str | None = None
    """`host:port` of its Via, which a CANCEL has to repeat (RFC 3261 section 9.1); None outside of SIP."""

    @classmethod
    def make(cls, sent_by: str | None = None) -> Self:
        """New ones, which nobody can guess and nobody else has."""
        return cls(
            sip_call_id=secrets.token_hex(16),
            branch=f"z9hG4bK{secrets.token_hex(12)}",
            from_tag=secrets.token_hex(8),
            cseq=secrets.randbelow(2**30) + 1,
            sent_by=sent_by,
        )


@dataclass(frozen=True, slots=True)
class Permit:
    """One attempt to reach somebody, which may be made now and once.

    Only `calls.start` makes one, and `for_test_call`: a test holds everything else to that.
    """

    call_id: int
    """0 for a call outside any queue."""
    attempt: int
    """From 1."""
    number: str
    """7 to 15 digits, with a leading `+` if the caller gave one."""
    caller_id: str | None
    """The number to show to the far end, in the same form; None leaves it to the trunk."""
    ring_timeout: float
    """Seconds after which an unanswered leg ends as `no_answer`."""
    deadline: float
    """The `boot_time()` after which the INVITE must not leave any more (promise S2)."""
    dialog: DialogIds

    @classmethod
    def for_test_call(cls, number: str, caller_id: str | None, *, ring_timeout: float, deadline: float) -> Self:
        """For a call outside any queue, which nobody can call off: only to try whether a trunk works."""
        return cls(0, 1, number, caller_id, ring_timeout, deadline, DialogIds.make())


@dataclass(frozen=True, slots=True)
class AbandonedAttempt:
    """What a dead dialer left on the wire: it rings, or somebody is off the hook and hears nothing."""

    call_id: int
    trunk_id: int
    number: str
    """As the permit had it."""
    caller_id: str | None
    dialog: DialogIds
    is_connected: bool
    kept: Mapping[str, object] = field(default_factory=dict)
    """What the trunk wrote down of its dialog when it was answered (`Leg.dialog`)."""
