"""A call as it is asked for, and as its readers see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from calloff.domain.phone import Destination
from calloff.domain.schedule import Schedule


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call to queue; every field has been checked."""

    destination: Destination
    schedule: Schedule = field(default_factory=Schedule)
    result_url: str | None = None
    is_pci: bool = False
    variables: Mapping[str, str] | None = None


STATUSES = ("queued", "dialing", "connected", "completed", "failed", "canceled")
"""What a call's status can read, in the order of its life (contract, *Status*)."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a call."""

    name: str
    """One of `queued`, `dialing`, `connected`, `disconnected`, `failed`, `expired`, `held`, `refused`, `canceled`."""
    timestamp: float
    """Unix seconds."""
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallStatus:
    """A call as its readers see it: a pending call that was called off is `canceled` at once."""

    call_id: int
    deployment_id: int
    status: str
    phone_number: str
    ani: str | None
    postd: str | None
    start_at: datetime
    end_at: datetime | None
    max_attempts: int
    attempts: int
    reattempt_wait: int | None
    result_url: str | None
    is_pci: bool
    variables: Mapping[str, str]
    queued_at: datetime
    connected_at: datetime | None
    ended_at: datetime | None
    result: str | None
    sip_code: int | None
    callee_type: str | None
    collected: Mapping[str, str]
    events: Sequence[Event]

    @property
    def duration(self) -> float | None:
        """Seconds between the answer and the end; None unless both have been."""
        if self.connected_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.connected_at).total_seconds()
