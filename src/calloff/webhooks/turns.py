"""Which host's callbacks are sent next, and how many at once, so that a dead host delays nobody else's.

Nor do the dead hosts of one account delay another's: what may be under way to hosts that have yet to prove themselves
is shared among the accounts, of which each gets at most half of what the others have left.
"""

from collections import Counter
from collections.abc import Iterable

from calloff.webhooks.outbox import DueHost

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
        self._sending: Counter[DueHost] = Counter()
        self._prompt: set[str] = set()
        self._places: dict[str, int] = {}
        self._last_place = 0

    def in_order(self, due: Iterable[DueHost]) -> list[DueHost]:
        """The hosts that something is due for, as they stand in line: a new one is last."""
        self._last_place += 1
        due = list(due)
        self._places = {each.host: self._places.get(each.host, self._last_place) for each in due}
        return sorted(due, key=lambda each: self._places[each.host])

    def room(self, due: DueHost) -> int:
        """How many more may be sent to the host now."""
        by_host: Counter[str] = Counter()
        for each, number in self._sending.items():
            by_host[each.host] += number
        sending = by_host[due.host]
        usual = AT_ONCE - sum(min(number, PER_HOST) for number in by_host.values())
        if due.host not in self._prompt:
            usual = min(usual, self._room_for_not_prompt(due.account_id))
        room = max(0, min(PER_HOST - sending, usual))
        if due.host in self._prompt and sending + room >= PER_HOST:
            extra = EXTRA - sum(max(0, number - PER_HOST) for number in by_host.values())
            room += max(0, min(PER_PROMPT_HOST - sending - room, extra))
        return room

    def begin(self, due: DueHost, callbacks: int) -> None:
        """So many are being sent to the host from now on; it goes to the end of the line."""
        self._last_place += 1
        self._places[due.host] = self._last_place
        if callbacks:
            self._sending[due] += callbacks

    def end(self, due: DueHost, seconds: float | None) -> None:
        """One of them is over; it was answered after `seconds`, or not at all."""
        self._sending[due] -= 1
        if not self._sending[due]:
            del self._sending[due]
        if seconds is None or seconds > PROMPT:
            self._prompt.discard(due.host)
        elif len(self._prompt) < _MOST_REMEMBERED:
            self._prompt.add(due.host)

    def _room_for_not_prompt(self, account_id: int) -> int:
        own = others = 0
        for each, number in self._sending.items():
            if each.host not in self._prompt:
                if each.account_id == account_id:
                    own += number
                else:
                    others += number
        return (NOT_PROMPT - others + 1) // 2 - own
