"""A list of calls that was uploaded, as it is shown."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ListCancellation:
    """What called a list off: a cancel of its own, or one of the deployment while it was pending."""

    canceled_at: datetime
    canceled_by: str | None
    """E-mail address of the user; None for the operator's command line."""
    origin: str
    is_own: bool
    """Whether it was this list alone that was called off."""


@dataclass(frozen=True, slots=True)
class CallList:
    """What a bulk upload queued."""

    list_id: int
    application_id: int
    deployment_id: int
    name: str
    state: str
    """`running`, `paused`, `canceled`, or `done`."""
    queued_at: datetime
    queued_by: str | None
    """E-mail address of the user; None for the operator's command line."""
    origin: str
    sha256: bytes
    """Of the file, as it came."""
    columns: tuple[str, ...]
    """Of the file, but for the numbers: the variables that each of its calls was given."""
    accepted: int
    rejected: int
    waiting: int
    in_progress: int
    """How many of its calls are dialing or connected."""
    results: dict[str, int]
    """How many of its calls are over, by result, `canceled` among them."""
    ended_at: datetime | None
    """When all of its calls were found over."""
    cancellation: ListCancellation | None

    @property
    def over(self) -> int:
        """How many of its calls are over."""
        return sum(self.results.values())
