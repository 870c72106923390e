"""The parts of an application: VoiceXML 2.1 as far as Calloff runs it. Expressions are ECMAScript source, checked."""

from dataclasses import dataclass
from typing import Literal

EventName = Literal["noinput", "nomatch"]


@dataclass(frozen=True, slots=True)
class Say:
    """Text to be spoken."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class SayValue:
    """The value of `expr`, spoken (`<value>`)."""

    line: int
    expr: str


@dataclass(frozen=True, slots=True)
class Break:
    """Silence of `seconds`."""

    line: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording: the name of an uploaded WAV or an http(s) address; if it cannot be had, `instead` is played."""

    line: int
    source: str
    instead: "tuple[Piece, ...]"

    @property
    def is_url(self) -> bool:
        return self.source.lower().startswith(("http://", "https://"))


Piece = Say | SayValue | Break | Audio


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the callee hears (VoiceXML 2.0 section 4.1)."""

    line: int
    pieces: tuple[Piece, ...]
    language: str
    barge_in: bool = True
    count: int = 1
    cond: str | None = None
    timeout: float | None = None
    """Seconds without a key after the prompt until `noinput`; None leaves it to the default."""


@dataclass(frozen=True, slots=True)
class Var:
    line: int
    name: str
    expr: str | None


@dataclass(frozen=True, slots=True)
class Assign:
    line: int
    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class If:
    """The content of the first branch whose condition holds is run; `else` has the condition None."""

    line: int
    branches: "tuple[tuple[str | None, Content], ...]"


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on with another form, or with another item of the same form; exactly one of the two is set."""

    line: int
    form: str | None
    item: str | None


@dataclass(frozen=True, slots=True)
class Log:
    line: int
    label: str
    expr: str | None
    pieces: tuple[Say | SayValue, ...]


@dataclass(frozen=True, slots=True)
class Disconnect:
    line: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    line: int
    expr: str | None
    names: tuple[str, ...]


Action = Prompt | Var | Assign | If | Goto | Log | Disconnect | Exit
Content = tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Handler:
    """What to do on the `count`-th `noinput` or `nomatch` of an item, and on later ones without their own handler."""

    line: int
    event: EventName
    count: int
    cond: str | None
    content: Content


@dataclass(frozen=True, slots=True)
class Digits:
    """A number is keyed in: between `minimum` and `maximum` keys."""

    minimum: int = 1
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Boolean:
    """One key answers yes or no."""

    yes: str = "1"
    no: str = "2"


@dataclass(frozen=True, slots=True)
class Block:
    line: int
    name: str
    expr: str | None
    cond: str | None
    content: Content


@dataclass(frozen=True, slots=True)
class Field:
    line: int
    name: str
    expr: str | None
    cond: str | None
    answer: Digits | Boolean
    prompts: tuple[Prompt, ...]
    handlers: tuple[Handler, ...]
    filled: tuple[Content, ...]


Item = Block | Field


@dataclass(frozen=True, slots=True)
class Form:
    line: int
    id: str
    variables: tuple[Var, ...]
    items: tuple[Item, ...]
    handlers: tuple[Handler, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A checked application, ready to run; it starts with the first form."""

    language: str
    variables: tuple[Var, ...]
    forms: tuple[Form, ...]
    handlers: tuple[Handler, ...]
    prompts: tuple[Prompt, ...]
    """Every prompt of the document, wherever it stands."""

    @property
    def recordings(self) -> tuple[Audio, ...]:
        """Every `<audio>` of the document, in document order."""
        return tuple(piece for prompt in self.prompts for piece in _flat(prompt.pieces) if isinstance(piece, Audio))

    @property
    def speech(self) -> tuple[tuple[Prompt, Say | SayValue], ...]:
        """Everything of the document that has to be spoken, with the prompt that says in which language."""
        return tuple(
            (prompt, piece)
            for prompt in self.prompts
            for piece in _flat(prompt.pieces)
            if isinstance(piece, Say | SayValue)
        )


def _flat(pieces: tuple[Piece, ...]) -> list[Piece]:
    flat: list[Piece] = []
    for piece in pieces:
        flat.append(piece)
        if isinstance(piece, Audio):
            flat += _flat(piece.instead)
    return flat
