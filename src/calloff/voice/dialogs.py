"""Builds forms and menus and what stands in them."""

from typing import Any

from calloff.voice import values
from calloff.voice.attributes import Attributes
from calloff.voice.content import Script, Target, Var
from calloff.voice.document import (
    Block,
    Field,
    Filled,
    Form,
    Handler,
    Initial,
    Item,
    Record,
    Subdialog,
    Transfer,
)
from calloff.voice.executable import ContentParser
from calloff.voice.grammar_parser import GrammarParser
from calloff.voice.xml_reader import Element

ITEMS = ("block", "field", "initial", "record", "subdialog", "transfer")
HANDLERS = ("catch", "error", "help", "noinput", "nomatch")


class DialogParser:
    """Parses dialogs."""

    def __init__(self, attributes: Attributes, content: ContentParser) -> None:
        self._read = attributes
        self._content = content
        self._grammars = GrammarParser(attributes, content)

    def form(self, element: Element, index: int) -> Form:
        """A `<form>`; without an ID it gets one that no document can use."""
        wide = self._read.one_of(element, "scope", "dialog", "document") == "document"
        grammars = self._grammars.grammars(element, document_wide=wide)
        form = Form(
            line=element.line,
            id=element.attributes.get("id", f"#{index}"),
            beginning=tuple(
                part
                for position, child in enumerate(element.elements)
                if (part := self._part(child, position, bool(grammars))) is not None
            ),
            handlers=self.handlers(element),
            links=self._grammars.links(element),
            grammars=grammars,
            filled=tuple(self._filled(child) for child in element.elements if child.name == "filled"),
            properties=self.properties(element),
        )
        self._check(element, form)
        return form

    def menu(self, element: Element, index: int) -> Form:
        """A `<menu>`: a form with one field, whose choices lead on (VoiceXML 2.0 section 2.2)."""
        choices = self._grammars.choices(element)
        if not choices and (element.line, element.name) not in self._read.cut:
            self._read.report(element, "Add a <choice>; there is nothing to choose.")
        self._grammars.require(element, [choice for choice in choices if choice.grammars])
        field = Field(
            line=element.line,
            name="#menu",
            slot="",
            prompts=self._content.prompts.prompts(element),
            handlers=self.handlers(element),
            properties=self.properties(element),
            choices=choices,
        )
        self._read.one_of(element, "scope", "dialog", "document")
        form_id = element.attributes.get("id", f"#{index}")
        return Form(element.line, form_id, (field,), (), (), (), (), {})

    def handlers(self, element: Element) -> tuple[Handler, ...]:
        """The elements that handle events."""
        return tuple(self._handler(child) for child in element.elements if child.name in HANDLERS)

    def links(self, element: Element) -> tuple[Any, ...]:
        """The links of a document."""
        return self._grammars.links(element, document_wide=True)

    def properties(self, element: Element) -> dict[str, str]:
        """The `<property>` elements."""
        return {
            child.attributes["name"].lower(): child.attributes["value"]
            for child in element.elements
            if child.name == "property"
        }

    def _handler(self, element: Element) -> Handler:
        events: tuple[str, ...] = (element.name,)
        if element.name == "catch":
            events = tuple(event for event in element.attributes.get("event", "").split() if event != ".")
        for event in events:
            if not values.is_event(event.rstrip(".*")):
                self._read.report(element, f"{event[:40]!r} is no name of an event; correct it.")
        return Handler(
            line=element.line,
            element=element.name,
            events=tuple(event.rstrip(".*") for event in events),
            count=self._read.whole_number(element, "count"),
            cond=self._read.expression(element, "cond"),
            content=self._content.content(element),
        )

    def _filled(self, element: Element) -> Filled:
        any_ = self._read.one_of(element, "mode", "all", "any") == "any"
        names = self._read.names(element)
        return Filled(element.line, self._content.content(element), any_, names)

    def _part(self, element: Element, position: int, has_grammars: bool) -> Var | Script | Item | None:
        match element.name:
            case "var":
                return self._read.variable(element)
            case "script":
                return self._content.script(element)
            case "block":
                return Block(**self._item(element, position), content=self._content.content(element))
            case "field":
                return self._field(element, position, has_grammars)
            case "initial":
                self._grammars.require(element, [has_grammars] if has_grammars else [])
                return Initial(**self._asking(element, position))
            case "subdialog":
                return self._subdialog(element, position)
            case "record":
                return self._record(element, position)
            case "transfer":
                return self._transfer(element, position)
            case _:
                return None

    def _item(self, element: Element, position: int) -> dict[str, Any]:
        """What all form items have; without a name they get one that no document can use."""
        name = element.attributes.get("name")
        if name is not None:
            self._read.name(element, name)
        return {
            "line": element.line,
            "name": name or f"#{position}",
            "expr": self._read.expression(element, "expr"),
            "cond": self._read.expression(element, "cond"),
        }

    def _asking(self, element: Element, position: int) -> dict[str, Any]:
        return {
            **self._item(element, position),
            "prompts": self._content.prompts.prompts(element),
            "handlers": self.handlers(element),
            "filled": tuple(self._filled(child) for child in element.elements if child.name == "filled"),
            "properties": self.properties(element),
        }

    def _field(self, element: Element, position: int, has_grammars: bool) -> Field:
        kind, typed = self._grammars.of_type(element)
        grammars = (*typed, *self._grammars.grammars(element))
        options = self._grammars.options(element)
        modal = self._read.boolean(element, "modal") is True
        usable = [option for option in options if option.grammars]
        self._grammars.require(element, grammars, usable, [True] if has_grammars and not modal else [])
        asking = self._asking(element, position)
        return Field(
            **asking,
            slot=element.attributes.get("slot") or asking["name"],
            modal=modal,
            grammars=grammars,
            choices=options,
            links=self._grammars.links(element),
            kind=kind,
        )

    def _subdialog(self, element: Element, position: int) -> Subdialog:
        params: list[tuple[str, str]] = []
        for child in element.elements:
            if child.name != "param":
                continue
            self._read.name(child, child.attributes["name"])
            expr = self._read.expression(child, "expr")
            if expr is None and "value" not in child.attributes:
                self._read.report(child, "Give expr or value.")
            params.append((child.attributes["name"], expr or values.literal(child.attributes.get("value", ""))))
        return Subdialog(
            **self._asking(element, position),
            target=self._read.target(element, "src", "srcexpr"),
            params=tuple(params),
            fetch=self._read.fetch(element),
        )

    def _record(self, element: Element, position: int) -> Record:
        return Record(
            **self._asking(element, position),
            beep=self._read.boolean(element, "beep") is True,
            max_seconds=self._read.seconds(element, "maxtime"),
            final_silence=self._read.seconds(element, "finalsilence"),
            ends_with_key=self._read.boolean(element, "dtmfterm") is not False,
        )

    def _transfer(self, element: Element, position: int) -> Transfer:
        kind = element.attributes.get("type", "")
        bridge = self._read.boolean(element, "bridge") is True or kind == "bridge"
        destination = Target(element.attributes.get("dest"), self._read.expression(element, "destexpr"))
        if (destination.address is None) == (destination.expr is None):
            self._read.report(element, "Give either dest or destexpr.")
        return Transfer(
            **self._asking(element, position),
            destination=destination,
            bridge=bridge,
            connect_seconds=self._read.seconds(element, "connecttimeout"),
            max_seconds=self._read.seconds(element, "maxtime"),
        )

    def _check(self, element: Element, form: Form) -> None:
        """Names are used once, and what refers to an item of the form finds it."""
        seen: set[str] = set()
        for child in element.elements:
            name = child.attributes.get("name") if child.name in (*ITEMS, "var") else None
            if name is not None and name in seen:
                self._read.report(child, f"The name {name!r} is used twice; choose another one.")
            seen.add(name or "")
        names = {item.name for item in form.items}
        for child in descendants(element, "goto"):
            wanted = child.attributes.get("nextitem")
            if wanted is not None and wanted not in names:
                self._read.report(child, f"This form has no item named {wanted!r}; correct nextitem.")
        for filled in form.filled:
            for name in filled.names or ():
                if name not in names:
                    self._read.report(element, f"This form has no item named {name!r}; correct namelist.")


def descendants(element: Element, name: str) -> list[Element]:
    """The elements of that name within `element`, in document order."""
    found: list[Element] = []
    for child in element.elements:
        if child.name == name:
            found.append(child)
        found += descendants(child, name)
    return found
