"""Events of an application, and what ends a dialog (VoiceXML 2.0 section 5.2)."""

from collections.abc import Mapping

from calloff.voice.document import Document, Handler
from calloff.voice.grammars import Matching

HANGUP = "connection.disconnect.hangup"


class Event(Exception):
    """An event was thrown; the interpreter looks for its handler."""

    def __init__(self, name: str, message: str = "", *, line: int = 0, element: str = "", own: bool = False) -> None:
        super().__init__(name)
        self.name = name
        self.message = message
        self.line = line
        self.element = element
        self.own = own
        """Whether the application threw it itself."""

    @property
    def is_fault(self) -> bool:
        """Whether something went wrong."""
        return matches("error", self.name)


class Transition(Exception):
    """The dialog is left."""


class GoTo(Transition):
    """Go on with a dialog of `document`; with the answer that belongs to it, if keys of another dialog led there."""

    def __init__(self, document: Document, form: str, answer: Matching | None = None) -> None:
        super().__init__(form)
        self.document = document
        self.form = form
        self.answer = answer


class GoToItem(Transition):
    """Go on with an item of the same form."""

    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


class Returned(Transition):
    """A subdialog comes back with values."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names


class ReturnedEvent(Transition):
    """A subdialog comes back with an event for its caller."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class Ended(Transition):
    """The application ends; `disconnect` says whether it asked to hang up."""

    def __init__(self, *, disconnect: bool) -> None:
        super().__init__()
        self.disconnect = disconnect


class Failed(Exception):
    """The application cannot go on: no handler took the event, or a limit was reached."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.name)
        self.event = event


def matches(caught: str, thrown: str) -> bool:
    """Whether a handler for `caught` takes the event `thrown`: the same one, or one whose first words it is."""
    return thrown == caught or thrown.startswith(f"{caught}.")


def prefixes(name: str) -> list[str]:
    """The event and all that it is more special than: `a.b`, then `a`."""
    words = name.split(".")
    return [".".join(words[:count]) for count in range(len(words), 0, -1)]


def takes(handler: Handler, name: str, counts: Mapping[str, int]) -> bool:
    """Whether a handler takes the event, of which and of whose beginnings `counts` tells how often they occurred."""
    return any(
        (not event or matches(event, name)) and handler.count <= counts.get(event or name, 0)
        for event in handler.events or ("",)
    )
