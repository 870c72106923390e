"""Reads XML into elements that know their line; a DOCTYPE stays unread, entities are refused (security.md row 15)."""

from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from calloff.voice.problems import ApplicationError, Problem

MAX_BYTES = 1024 * 1024
"""Longest document that is read."""
MAX_DEPTH = 50
"""How deep elements may be nested."""
MAX_ELEMENTS = 20_000
"""How many elements a document may have."""

_XML = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True, slots=True)
class Text:
    """Characters between tags, as they stand in the document."""

    text: str
    line: int
    """Where the first of them stands that is not blank."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element of the document. Names are `local` or, in another namespace than the root's, `{uri}local`."""

    name: str
    line: int
    attributes: dict[str, str]
    children: "list[Element | Text]" = field(default_factory=list)

    @property
    def elements(self) -> "list[Element]":
        return [child for child in self.children if isinstance(child, Element)]

    @property
    def text(self) -> str:
        """The characters that stand directly in the element, without those of its children."""
        return "".join(child.text for child in self.children if isinstance(child, Text))


def read_xml(data: bytes, *namespaces: str) -> Element:
    """The root element of `data`; names of `namespaces` or of none are shown without it. Raises `ApplicationError`."""
    if len(data) > MAX_BYTES:
        raise ApplicationError([Problem(0, "", f"It has {len(data)} bytes; shorten it to {MAX_BYTES} at most.")])
    content = data.lstrip()
    # Pages that programs write often begin with blank lines, which XML forbids before its declaration.
    return _Reader(namespaces, data[: len(data) - len(content)].count(b"\n")).read(content)


class _Reader:
    def __init__(self, namespaces: tuple[str, ...], lines_before: int) -> None:
        self._namespaces = namespaces
        self._lines_before = lines_before
        self._elements = 0
        self._open: list[Element] = []
        self._root: Element | None = None
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity
        self._parser.SkippedEntityHandler = self._entity
        self._parser.ExternalEntityRefHandler = self._entity

    def read(self, data: bytes) -> Element:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            problem = Problem(
                error.lineno + self._lines_before, "", f"The XML is not well-formed ({reason}); mend it there."
            )
            raise ApplicationError([problem]) from None
        except (LookupError, ValueError):
            raise ApplicationError([Problem(1, "", "The encoding is not known; save the document as UTF-8.")]) from None
        assert self._root is not None, "expat accepts no document without a root"
        return self._root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        line = self._line
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            self._refuse(f"There are more than {MAX_ELEMENTS} elements; split the document.")
        if len(self._open) >= MAX_DEPTH:
            self._refuse(f"Elements are nested deeper than {MAX_DEPTH}; flatten the document.")
        element = Element(self._short(name), line, {self._short(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _characters(self, text: str) -> None:
        children = self._open[-1].children
        line = self._line
        # expat hands over one line at a time.
        if children and isinstance(children[-1], Text):
            before = children.pop()
            assert isinstance(before, Text)
            text, line = before.text + text, before.line if before.text.strip() else line
        children.append(Text(text, line))

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber + self._lines_before

    def _entity(self, *_declaration: object) -> NoReturn:
        self._refuse("An entity is never read; remove it, and write the characters themselves.")

    def _refuse(self, message: str) -> NoReturn:
        raise ApplicationError([Problem(self._line, "", message)])

    def _short(self, name: str) -> str:
        namespace, separator, local = name.rpartition(" ")
        if not separator or namespace in self._namespaces:
            return local
        if namespace == _XML:
            return f"xml:{local}"
        return f"{{{namespace}}}{local}"
