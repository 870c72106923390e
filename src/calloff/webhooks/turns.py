"""Which host's callbacks are sent next, and how many at once, so that a dead host delays nobody else's."""

from collections import Counter
from collections.abc import Iterable

PER_HOST = 4
"""Callbacks that one process sends to any host at once."""
AT_ONCE = 100
"""Callbacks that one process sends to all hosts at once, as far as each has no more than `PER_HOST`."""
NOT_PROMPT = 50
"""Of those, what all hosts together may have that did not answer promptly last time, or were never asked."""
PER_PROMPT_HOST = 32
"""Callbacks that one process sends at once to a host that answered promptly last time, if many are due for it."""
EXTRA = 50
"""What all hosts together may have beyond `PER_HOST`: in places of its own, so that it delays nobody else."""
PROMPT = 2.0
"""Seconds."""
_MOST_REMEMBERED = 100_000


class Turns:
    """The hosts that something is being sent to, and how the others did last time."""

    def __init__(self) -> None:
        self._sending: Counter[str] = Counter()
        self._prompt: set[str] = set()
        self._places: dict[str, int] = {}
        self._last_place = 0

    def in_order(self, hosts: Iterable[str]) -> list[str]:
        """The hosts that something is due for, as they stand in line: a new one is last."""
        self._last_place += 1
        self._places = {host: self._places.get(host, self._last_place) for host in hosts}
        return sorted(self._places, key=self._places.__getitem__)

    def room(self, host: str) -> int:
        """How many more may be sent to the host now."""
        sending = self._sending[host]
        usual = AT_ONCE - sum(min(number, PER_HOST) for number in self._sending.values())
        if host not in self._prompt:
            others = sum(number for name, number in self._sending.items() if name not in self._prompt)
            usual = min(usual, NOT_PROMPT - others)
        room = max(0, min(PER_HOST - sending, usual))
        if host in self._prompt and sending + room >= PER_HOST:
            extra = EXTRA - sum(max(0, number - PER_HOST) for number in self._sending.values())
            room += max(0, min(PER_PROMPT_HOST - sending - room, extra))
        return room

    def begin(self, host: str, callbacks: int) -> None:
        """So many are being sent to the host from now on; it goes to the end of the line."""
        self._last_place += 1
        self._places[host] = self._last_place
        if callbacks:
            self._sending[host] += callbacks

    def end(self, host: str, seconds: float | None) -> None:
        """One of them is over; it was answered after `seconds`, or not at all."""
        self._sending[host] -= 1
        if not self._sending[host]:
            del self._sending[host]
        if seconds is None or seconds > PROMPT:
            self._prompt.discard(host)
        elif len(self._prompt) < _MOST_REMEMBERED:
            self._prompt.add(host)
