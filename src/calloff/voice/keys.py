"""Takes keys from a line until they answer a question."""

from calloff.voice.document import Boolean, Digits, EventName
from calloff.voice.expressions import Source, source_of
from calloff.voice.line import Line
from calloff.voice.values import MAX_KEYS

TIMEOUT = 5.0
"""Seconds without a key until `noinput`, unless a prompt sets its timeout."""
INTERDIGIT_TIMEOUT = 3.0
"""Seconds after which a number without a fixed length counts as complete."""
TERMCHAR = "#"
"""The key that completes a number (VoiceXML 2.0 section 6.3.3)."""


async def answer(
    line: Line, expected: Digits | Boolean, seconds: float
) -> tuple[Source, None] | tuple[None, EventName]:
    """What the callee keys in, as ECMAScript source, or the event that came instead; `noinput` after `seconds`.

    Raises `HungUp`.
    """
    if isinstance(expected, Boolean):
        return await _boolean(line, expected, seconds)
    return await _digits(line, expected, seconds)


async def _boolean(line: Line, expected: Boolean, seconds: float) -> tuple[Source, None] | tuple[None, EventName]:
    answers = {expected.yes: "true", expected.no: "false"}
    key = await _first_key(line, seconds, frozenset(answers))
    if key in answers:
        return answers[key], None
    return _refuse(line, "noinput" if key is None else "nomatch")


async def _digits(line: Line, expected: Digits, seconds: float) -> tuple[Source, None] | tuple[None, EventName]:
    keys = ""
    key = await _first_key(line, seconds, frozenset())
    if key is None:
        return _refuse(line, "noinput")
    while key is not None and key != TERMCHAR:
        if key not in "0123456789":
            return _refuse(line, "nomatch")
        keys += key
        if len(keys) == (expected.maximum or MAX_KEYS):
            break
        key = await line.next_key(INTERDIGIT_TIMEOUT)
    return (source_of(keys), None) if len(keys) >= expected.minimum else _refuse(line, "nomatch")


async def _first_key(line: Line, seconds: float, meant: frozenset[str]) -> str | None:
    """The first key; a termchar alone belongs to the number before, which was complete without it."""
    while True:
        key = await line.next_key(seconds)
        if key != TERMCHAR or key in meant:
            return key


def _refuse(line: Line, event: EventName) -> tuple[None, EventName]:
    line.drop_keys()
    return None, event
