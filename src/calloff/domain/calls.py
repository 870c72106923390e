"""A call as it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
