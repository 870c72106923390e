"""The parts of an application: VoiceXML 2.0 and 2.1 for keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from calloff.voice.content import (
    Audio,
    Content,
    Data,
    Enumerate,
    Fetch,
    Piece,
    Prompt,
    Repeat,
    Say,
    SayValue,
    Script,
    Target,
    Var,
)
from calloff.voice.grammars import Grammar


@dataclass(frozen=True, slots=True)
class Handler:
    """What to do when an event is thrown (VoiceXML 2.0 section 5.2)."""

    line: int
    element: str
    events: tuple[str, ...]
    """Names of events, each also for the events that it is the beginning of; empty for all events."""
    count: int
    cond: str | None
    content: Content


@dataclass(frozen=True, slots=True)
class KeyGrammar:
    """What can be keyed in: a grammar of the document, or one at an address."""

    line: int
    grammar: Grammar | None
    target: Target = field(default_factory=Target)
    base: str = ""
    fetch: Fetch = field(default_factory=Fetch)
    document_wide: bool = False
    """Whether it may be used while another dialog of the document runs (`scope="document"`)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things to choose: an `<option>` of a field, or a `<choice>` of a menu, which leads on."""

    line: int
    words: tuple[Piece, ...]
    key: str | None
    """What has to be pressed, as `<enumerate>` tells it."""
    grammars: tuple[KeyGrammar, ...]
    value: str | None
    content: Content
    """What to do instead of filling anything."""


@dataclass(frozen=True, slots=True)
class Link:
    """Keys that lead elsewhere at any time (VoiceXML 2.0 section 2.5)."""

    line: int
    grammars: tuple[KeyGrammar, ...]
    content: Content


@dataclass(frozen=True, slots=True)
class Filled:
    """What to do when input items are filled; as a form's, `names` says of which (None: all of the form)."""

    line: int
    content: Content
    any_: bool = False
    names: tuple[str, ...] | None = None


Properties = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A form item (VoiceXML 2.0 section 2.1.2)."""

    element: ClassVar[str] = "item"
    line: int
    name: str
    expr: str | None = None
    cond: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Item):
    element: ClassVar[str] = "block"
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(Item):
    """A form item that has prompts, handlers and, but for `<initial>`, `<filled>`."""

    prompts: tuple[Prompt, ...] = ()
    handlers: tuple[Handler, ...] = ()
    filled: tuple[Filled, ...] = ()
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Asking):
    """A question that keys answer."""

    element: ClassVar[str] = "field"
    slot: str
    modal: bool = False
    grammars: tuple[KeyGrammar, ...] = ()
    choices: tuple[Choice, ...] = ()
    links: tuple[Link, ...] = ()
    kind: str | None = None
    """The built-in type, which also says how the answer is spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Initial(Asking):
    """The question that several fields answer at once."""

    element: ClassVar[str] = "initial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subdialog(Asking):
    element: ClassVar[str] = "subdialog"
    target: Target
    params: tuple[tuple[str, str], ...]
    fetch: Fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Asking):
    """What is said after a beep. The line has to be able to listen (`calloff.voice.handing`)."""

    element: ClassVar[str] = "record"
    beep: bool = False
    max_seconds: float | None = None
    final_silence: float | None = None
    ends_with_key: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Asking):
    """A call handed over. The line has to be able to (`calloff.voice.handing`)."""

    element: ClassVar[str] = "transfer"
    destination: Target
    bridge: bool = False
    connect_seconds: float | None = None
    max_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A dialog. Menus are forms with one field whose choices lead on."""

    line: int
    id: str
    beginning: tuple[Var | Script | Item, ...]
    """Variables, scripts and items, in document order."""
    handlers: tuple[Handler, ...]
    links: tuple[Link, ...]
    grammars: tuple[KeyGrammar, ...]
    filled: tuple[Filled, ...]
    properties: Properties

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(part for part in self.beginning if isinstance(part, Item))


@dataclass(frozen=True, slots=True)
class Document:
    """A checked document, ready to run; it starts with the first form."""

    language: str
    base: str
    """What its relative addresses are relative to; empty for an uploaded document without `xml:base`."""
    root: str | None
    """Address of the root document (`application`)."""
    beginning: tuple[Var | Script | Data, ...]
    forms: tuple[Form, ...]
    handlers: tuple[Handler, ...]
    links: tuple[Link, ...]
    properties: Properties
    meta: Mapping[str, str]
    prompts: tuple[Prompt, ...]
    """Every prompt of the document, wherever it stands."""
    addresses: tuple[tuple[int, str, str], ...] = ()
    """Every other resource that the document names by a fixed address: line, element, address."""
    expressions: tuple[tuple[int, str, bool], ...] = ()
    """Every expression and script: line, source, whether it is a script."""
    declared: frozenset[str] = frozenset()
    """Every name that is declared somewhere in the document."""

    def form(self, name: str) -> Form | None:
        """The form of that ID; the first one if it is empty."""
        if not name:
            return self.forms[0] if self.forms else None
        return next((form for form in self.forms if form.id == name), None)

    @property
    def recordings(self) -> tuple[Audio, ...]:
        """Every `<audio>` of the document, in document order."""
        return tuple(piece for prompt in self.prompts for piece in flat(prompt.pieces) if isinstance(piece, Audio))

    @property
    def speech(self) -> tuple[Say | SayValue, ...]:
        """Everything of the document that has to be spoken."""
        return tuple(
            piece for prompt in self.prompts for piece in flat(prompt.pieces) if isinstance(piece, Say | SayValue)
        )


def flat(pieces: tuple[Piece, ...]) -> Iterator[Piece]:
    """The pieces and those within them."""
    for piece in pieces:
        yield piece
        if isinstance(piece, Audio):
            yield from flat(piece.instead)
        elif isinstance(piece, Repeat | Enumerate):
            yield from flat(piece.pieces)
