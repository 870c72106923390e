"""Takes keys from a line until they answer a question."""

from collections.abc import Sequence
from dataclasses import dataclass

from calloff.voice.document import Choice, KeyGrammar, Link
from calloff.voice.events import Event
from calloff.voice.grammars import MAX_KEYS, Grammar, Matching
from calloff.voice.line import Line
from calloff.voice.properties import Timing

Origin = KeyGrammar | Choice | Link


@dataclass(frozen=True, slots=True)
class Active:
    """A grammar that is listened to, and what it belongs to."""

    grammar: Grammar
    origin: Origin
    level: str
    """Whose it is: `item`, `form`, or the ID of another form of the document after a `#`."""


async def collect(line: Line, active: Sequence[Active], timing: Timing) -> tuple[Active, Matching]:
    """The first of the grammars that what is keyed in answers, and how (VoiceXML 2.0 appendix D).

    Raises the events `noinput` and `nomatch`, after which the keys are forgotten, and `HungUp`.
    """
    matching = [(each, each.grammar.begin()) for each in active]
    key = await _first_key(line, timing, matching)
    if key is None:
        line.drop_keys()
        raise Event("noinput")
    count = 0
    while True:
        count += 1
        matching = [(each, after) for each, match in matching if (after := match.press(key)).is_possible]
        complete = next((pair for pair in matching if pair[1].is_complete), None)
        if not any(match.can_go_on for _, match in matching) or count >= MAX_KEYS:
            if complete is not None and timing.last > 0 and await line.next_key(timing.last) not in (None, timing.ends):
                complete = None
            break
        following = await line.next_key(timing.next)
        if following is None or (following == timing.ends and not any(match.takes(following) for _, match in matching)):
            break
        key = following
    if complete is None:
        line.drop_keys()
        raise Event("nomatch")
    return complete


async def _first_key(line: Line, timing: Timing, matching: Sequence[tuple[Active, Matching]]) -> str | None:
    """The first key; a terminating one alone belongs to the number before, which was complete without it."""
    while True:
        key = await line.next_key(timing.first)
        if key != timing.ends or any(match.takes(key) for _, match in matching):
            return key
