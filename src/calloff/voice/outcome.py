"""What becomes of an application on a call, and what it may know and use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class End(StrEnum):
    """How the conversation ended."""

    EXIT = "exit"
    """The application ran to its end."""
    DISCONNECT = "disconnect"
    """It asked to hang up."""
    HANGUP = "hangup"
    """The leg ended first."""
    ERROR = "error"
    """It could not go on; `Outcome.fault` says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong in an application, and where."""

    event: str
    """The event of VoiceXML, such as `error.semantic`, or one of ours, such as `error.limit`."""
    element: str
    """Name of the element, without brackets; empty if none is known."""
    line: int
    """Line of the document; 0 if none is known."""
    message: str

    def __str__(self) -> str:
        place = f"Line {self.line}" if self.line else "The application"
        return f"{place}, <{self.element}>: {self.message}" if self.element else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an application."""

    end: End
    failed: bool = False
    """Whether an error ended it: one that it did not handle, or one whose handler could only say goodbye."""
    asked: tuple[str, ...] = ()
    """Names of the questions that were put to the callee, in the order in which they first were."""
    collected: Mapping[str, str] = field(default_factory=dict)
    """What was answered: the fields that are filled and the `expr` of `exit`, or exactly what a namelist returns."""
    fault: Fault | None = None
    """The first error, also one that was handled."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends an application that does not end by itself."""

    seconds: float = 3600.0
    """How long it may run."""
    waiting: float = 180.0
    """Seconds that it may wait for keys, all in all since the last answer, and get none."""
    steps: int = 10_000
    """Actions and items that it may run."""


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What an application can know of its call, and what is set for it."""

    id: str
    """For logs."""
    variables: Mapping[str, str]
    """Given when the call was queued."""
    remote: str
    """The number that was called."""
    local: str
    """The caller ID; empty if the trunk chose it."""
    private: bool = False
    """`is_pci`: nothing of the call's values is logged or cached."""
    closings: Mapping[str, str] = field(default_factory=dict)
    """What is said when an application fails, by language (`en-US` or `en`); else `calloff.voice.closings` has it."""
    limits: Limits = field(default_factory=Limits)
