"""The properties that set how an application behaves (VoiceXML 2.0 section 6.3)."""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass

from calloff.voice import values

DEFAULTS: Mapping[str, str] = {
    "timeout": "5s",
    "interdigittimeout": "3s",
    "termtimeout": "0s",
    "termchar": "#",
    "bargein": "true",
    "fetchtimeout": "10s",
    "calloff.voice": "",
    "calloff.speed": "1",
}
"""What is in force where no document says otherwise. Other properties are accepted, and change nothing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long keys are waited for, in seconds."""

    first: float
    """Until `noinput`."""
    next: float
    """Until a number without a fixed length counts as complete."""
    last: float
    """For the key that completes an answer, once nothing else can follow."""
    ends: str
    """The key that completes an answer; empty for none."""


class PropertyChain:
    """The properties that are in force: of the item, else of its dialog, its document, the root document."""

    def __init__(self, *levels: Mapping[str, str]) -> None:
        self._levels = ChainMap(*(dict(level) for level in levels), dict(DEFAULTS))

    def seconds(self, name: str) -> float:
        """A property that is a time; the default where a document has it wrong."""
        for text in (self._levels[name], DEFAULTS[name]):
            try:
                return values.whole_seconds(text.strip())
            except ValueError:
                continue
        raise AssertionError("the defaults are times")

    def timing(self, timeout: float | None) -> Timing:
        """How long keys are waited for, if the last prompt said `timeout`."""
        ends = self._levels["termchar"].strip()
        return Timing(
            self.seconds("timeout") if timeout is None else timeout,
            self.seconds("interdigittimeout"),
            self.seconds("termtimeout"),
            ends if len(ends) == 1 else "",
        )

    @property
    def barge_in(self) -> bool:
        """Whether keys cut prompts off that do not say it themselves."""
        return self._levels["bargein"].strip() != "false"

    @property
    def voice(self) -> str:
        """Name of the voice that speaks where no `<voice>` names one; empty for the machine's choice."""
        return self._levels["calloff.voice"].strip()

    @property
    def speed(self) -> float:
        """How fast text is spoken; 1 is the voice's own speed."""
        try:
            return min(max(float(self._levels["calloff.speed"]), 0.5), 2.0)
        except ValueError:
            return 1.0
