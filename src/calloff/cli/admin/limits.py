"""Options that can be left out, set, or taken away with the word `none`."""

from typing import Annotated, TypeVar

import typer

from calloff.domain.errors import InvalidInput

Number = TypeVar("Number", int, float)

_NONE = "none"

MaxConcurrentCalls = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="Most calls at once; 'none' takes the limit away.")
]
CallsPerSecond = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="Most calls that start in a second; 'none' takes the limit away.")
]


def or_none(text: str) -> str | None:
    """What was given, or None for the word."""
    return None if text == _NONE else text


def number_or_none(text: str, kind: type[Number], option: str) -> Number | None:
    """The number that was given, or None for the word. Raises `InvalidInput` that names `option`."""
    if text == _NONE:
        return None
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput(f"{option} needs a number, or the word none.") from None
