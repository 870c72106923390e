"""What can be said and done: prompts and executable content of VoiceXML 2.1. Expressions are ECMAScript, checked."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Manner:
    """How text is spoken (SSML 1.0 section 3.2)."""

    language: str
    """BCP 47, such as `en-US`."""
    voice: str | None = None
    """Name of a voice; None leaves the choice to the machine."""
    gender: str | None = None
    speed: float = 1.0
    """1 is the voice's own speed, 2 twice as fast."""
    pitch: float = 1.0
    volume: float = 1.0


@dataclass(frozen=True, slots=True)
class SayAs:
    """What kind of thing a text is (`<say-as>`), as `calloff.voice.say_as` knows them."""

    kind: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Text to be spoken."""

    line: int
    text: str
    manner: Manner
    as_: SayAs | None = None


@dataclass(frozen=True, slots=True)
class SayValue:
    """The value of `expr`, spoken (`<value>`)."""

    line: int
    expr: str
    manner: Manner
    as_: SayAs | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Silence of `seconds`."""

    line: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording at an address, absolute or relative to `base`; if it cannot be had, `instead` is played.

    Exactly one of `source` and `expr` is set.
    """

    line: int
    source: str | None
    expr: str | None
    instead: "tuple[Piece, ...]"
    base: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The pieces once for each element of an array (`<foreach>` in a prompt)."""

    line: int
    item: str
    array: str
    pieces: "tuple[Piece, ...]"


@dataclass(frozen=True, slots=True)
class Enumerate:
    """What can be chosen (`<enumerate>`): for each choice the pieces, or its words and its key."""

    line: int
    pieces: "tuple[Piece, ...]"
    manner: Manner


Piece = Say | SayValue | Break | Audio | Repeat | Enumerate


@dataclass(frozen=True, slots=True)
class Fetch:
    """How a resource is asked for (VoiceXML 2.0 section 6.1 and 5.3.8)."""

    method: str = "GET"
    encoding: str = "application/x-www-form-urlencoded"
    names: tuple[str, ...] | None = None
    """Variables that are sent along; None if the element names none."""
    timeout: float | None = None
    base: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an element leads: an address, or an expression that gives one; at most one is set."""

    address: str | None = None
    expr: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the callee hears (VoiceXML 2.0 section 4.1)."""

    element: ClassVar[str] = "prompt"
    line: int
    pieces: tuple[Piece, ...]
    barge_in: bool | None = None
    """Whether a key cuts it off; None leaves it to the property `bargein`."""
    count: int = 1
    cond: str | None = None
    timeout: float | None = None
    """Seconds without a key after the prompt until `noinput`; None leaves it to the property `timeout`."""


@dataclass(frozen=True, slots=True)
class Var:
    element: ClassVar[str] = "var"
    line: int
    name: str
    expr: str | None


@dataclass(frozen=True, slots=True)
class Assign:
    element: ClassVar[str] = "assign"
    line: int
    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Make form items askable again; without names, all of the form."""

    element: ClassVar[str] = "clear"
    line: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class If:
    """The content of the first branch whose condition holds is run; `else` has the condition None."""

    element: ClassVar[str] = "if"
    line: int
    branches: "tuple[tuple[str | None, Content], ...]"


@dataclass(frozen=True, slots=True)
class Foreach:
    element: ClassVar[str] = "foreach"
    line: int
    item: str
    array: str
    content: "Content"


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on with another dialog or document, or with another item of the same form."""

    element: ClassVar[str] = "goto"
    line: int
    target: Target
    item: Target
    fetch: Fetch = field(default_factory=Fetch)


@dataclass(frozen=True, slots=True)
class Submit:
    """Send variables, and go on with the document that comes back."""

    element: ClassVar[str] = "submit"
    line: int
    target: Target
    fetch: Fetch


@dataclass(frozen=True, slots=True)
class Data:
    """Send variables, and keep the XML or JSON that comes back in a variable (VoiceXML 2.1 section 5)."""

    element: ClassVar[str] = "data"
    line: int
    name: str | None
    target: Target
    fetch: Fetch


@dataclass(frozen=True, slots=True)
class Script:
    element: ClassVar[str] = "script"
    line: int
    source: str | None
    """ECMAScript that stands in the document; None if it has to be fetched."""
    target: Target
    fetch: Fetch = field(default_factory=Fetch)


@dataclass(frozen=True, slots=True)
class Throw:
    element: ClassVar[str] = "throw"
    line: int
    event: str | None
    event_expr: str | None
    message: str | None
    message_expr: str | None


@dataclass(frozen=True, slots=True)
class Reprompt:
    element: ClassVar[str] = "reprompt"
    line: int


@dataclass(frozen=True, slots=True)
class Return:
    """Come back from a subdialog, with values or with an event."""

    element: ClassVar[str] = "return"
    line: int
    names: tuple[str, ...]
    throws: Throw | None


@dataclass(frozen=True, slots=True)
class Log:
    element: ClassVar[str] = "log"
    line: int
    label: str
    expr: str | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Disconnect:
    element: ClassVar[str] = "disconnect"
    line: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    element: ClassVar[str] = "exit"
    line: int
    expr: str | None
    names: tuple[str, ...]


Action = (
    Prompt
    | Var
    | Assign
    | Clear
    | If
    | Foreach
    | Goto
    | Submit
    | Data
    | Script
    | Throw
    | Reprompt
    | Return
    | Log
    | Disconnect
    | Exit
)
Content = tuple[Action, ...]
