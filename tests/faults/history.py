"""What was seen from outside, and what the database says in the end. All times are this machine's Unix seconds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Accepted:
    """A call that was queued: somebody has its 200."""

    call_id: int
    deployment_id: int
    number: str
    """No other call has it."""
    asked: float
    answered: float


@dataclass(frozen=True, slots=True)
class Cancel:
    """A request to call everything off."""

    deployment_id: int
    asked: float
    answered: float
    status: int | None
    """None if no answer came."""


@dataclass(frozen=True, slots=True)
class Invite:
    """An INVITE that the far end received, a copy or not."""

    number: str
    sip_call_id: str
    branch: str
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A call as the database has it when everything is over."""

    call_id: int
    state: str
    attempts: int
    events: tuple[tuple[str, float], ...]
    """Name and time of each, oldest first."""

    def times(self, *names: str) -> list[float]:
        """When something of these names happened."""
        return [at for name, at in self.events if name in names]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A callback that came."""

    call_id: int
    webhook_id: str


@dataclass(slots=True)
class History:
    """One run."""

    accepted: list[Accepted] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)
    invites: list[Invite] = field(default_factory=list)
    ended: dict[int, Ended] = field(default_factory=dict)
    cancellations: list[tuple[int, float]] = field(default_factory=list)
    """Deployment and time of each that the database has."""
    deliveries: list[Delivery] = field(default_factory=list)
