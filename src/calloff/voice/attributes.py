"""Reads the attributes of elements, and notes what is wrong with them and what they mention."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from calloff.voice import values
from calloff.voice.content import Fetch, Prompt, Target, Var
from calloff.voice.expressions import check_expression, check_script, declared_by
from calloff.voice.problems import Problem
from calloff.voice.xml_reader import Element

_Value = TypeVar("_Value")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)
DEFAULT_LANGUAGE = "en-US"
_ENCODING = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Attributes:
    """What a document says in its attributes, read one by one; problems and mentions are collected on the way."""

    base: str = ""
    problems: list[Problem] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    addresses: list[tuple[int, str, str]] = field(default_factory=list)
    expressions: list[tuple[int, str, bool]] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    cut: set[tuple[int, str]] = field(default_factory=set)
    """Line and name of elements that lost a part of their content, and so cannot be told that they lack something."""

    def report(self, element: Element, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(element.line, element.name, message))

    def read(self, element: Element, read: Callable[[], _Value], instead: _Value) -> _Value:
        """What `read` returns; if it raises `ValueError`, that is a problem, and `instead` takes its place."""
        try:
            return read()
        except ValueError as error:
            self.report(element, str(error))
            return instead

    def expression(self, element: Element, attribute: str) -> str | None:
        """The ECMAScript expression in the attribute; None if it is absent."""
        source = element.attributes.get(attribute)
        if source is None:
            return None
        reason = check_expression(source)
        if reason is not None:
            self.report(element, f"The expression in {attribute} cannot be read ({reason}); correct it.")
        else:
            self.expressions.append((element.line, source, False))
        return source

    def script(self, element: Element) -> str | None:
        """The ECMAScript within the element; None if there is none."""
        source = element.text
        if not source.strip():
            return None
        reason = check_script(source)
        if reason is not None:
            self.report(element, f"The script cannot be read ({reason}); correct it.")
            return source
        self.expressions.append((element.line, source, True))
        self.declared.update(declared_by(source))
        return source

    def whole_number(self, element: Element, attribute: str) -> int:
        """The attribute as a number from 1 on; 1 if it is absent."""
        text = element.attributes.get(attribute, "1")
        if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or int(text) < 1:
            self.report(element, f"{attribute} is a whole number from 1 on; correct it.")
            return 1
        return int(text)

    def boolean(self, element: Element, attribute: str) -> bool | None:
        """The attribute as true or false; None if it is absent."""
        text = element.attributes.get(attribute)
        if text not in (None, "true", "false"):
            self.report(element, f"{attribute} is true or false; correct it.")
        return None if text is None else text == "true"

    def one_of(self, element: Element, attribute: str, default: str, *allowed: str) -> str:
        """The attribute, which has to be one of a few words."""
        text = element.attributes.get(attribute, default)
        if text != default and text not in allowed:
            self.report(element, f"{attribute} is one of {', '.join((default, *allowed))}; correct it.")
            return default
        return text

    def seconds(self, element: Element, attribute: str) -> float | None:
        """The attribute as a time; None if it is absent."""
        text = element.attributes.get(attribute)
        return None if text is None else self.read(element, lambda: values.whole_seconds(text), None)

    def language(self, element: Element, default: str) -> str:
        """The element's `xml:lang`."""
        language = element.attributes.get("xml:lang", "").strip().replace("_", "-") or default
        if not _LANGUAGE.fullmatch(language):
            self.report(element, "xml:lang is a language such as en-US; correct it.")
            return default
        return language

    def names(self, element: Element) -> tuple[str, ...] | None:
        """The variables in `namelist`; None if it is absent."""
        text = element.attributes.get("namelist")
        if text is None:
            return None
        for name in text.split():
            if not values.is_assignable(name):
                self.report(element, f"{name[:40]!r} in namelist cannot name a variable; correct it.")
        return tuple(text.split())

    def target(self, element: Element, fixed: str, computed: str, *, needed: bool = True) -> Target:
        """Where the element leads, by one attribute or by the expression in another."""
        address, expr = element.attributes.get(fixed), self.expression(element, computed)
        if (address is not None and expr is not None) or (needed and address is None and expr is None):
            self.report(element, f"Give either {fixed} or {computed}.")
        if address is not None and expr is None:
            address = address.strip()
            self.addresses.append((element.line, element.name, address))
        return Target(address, expr)

    def fetch(self, element: Element) -> Fetch:
        """How the element's resource is asked for."""
        method = element.attributes.get("method", "get").upper()
        encoding = element.attributes.get("enctype", _ENCODING)
        if method not in ("GET", "POST"):
            self.report(element, "method is get or post; correct it.")
        if encoding not in (_ENCODING, "multipart/form-data"):
            self.report(element, f"enctype is {_ENCODING} or multipart/form-data; correct it.")
        return Fetch(method, encoding, self.names(element), self.seconds(element, "fetchtimeout"), self.base)

    def variable(self, element: Element) -> Var:
        """A `<var>`."""
        name = element.attributes["name"]
        if name.startswith(("document.", "application.", "dialog.")):
            self.report(element, "A variable is declared in the scope that it stands in; write its name alone.")
        else:
            self.name(element, name)
        return Var(element.line, name, self.expression(element, "expr"))

    def name(self, element: Element, name: str) -> None:
        """Note that a variable is declared, or that none can have this name."""
        if not values.is_variable_name(name):
            message = f"{name[:40]!r} cannot name a variable; use letters, digits and _, and no word of ECMAScript."
            self.report(element, message)
        self.declared.add(name)
