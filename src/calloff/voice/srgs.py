"""Reads grammars for keys in the XML form of SRGS 1.0."""

import re

from calloff.voice.grammars import (
    EMPTY,
    KEYS,
    MAX_KEYS,
    Grammar,
    InOrder,
    Key,
    Never,
    Node,
    OneOf,
    Repeated,
    Rule,
    Tag,
    compile_grammar,
)
from calloff.voice.xml_reader import Element, Text

SPEECH = (
    "This grammar is for speech, and Calloff takes keys."
    ' Add a grammar for keys: type="digits", <grammar mode="dtmf">, or dtmf="1" at each choice.'
)
_WORDS = {"star": "*", "pound": "#", "hash": "#"}
_REPEAT = re.compile(r"([0-9]{1,3})(?:\s*(-)\s*([0-9]{1,3})?)?", re.ASCII)
_MAX_DEPTH = 30


class SpeechGrammar(ValueError):
    """A grammar is for speech."""


class BadGrammar(ValueError):
    """A grammar cannot be used; `element` is where."""

    def __init__(self, element: Element, message: str) -> None:
        super().__init__(message)
        self.element = element


def is_for_keys(grammar: Element) -> bool:
    """Whether a `<grammar>` says that it is for keys, or says nothing, and all that it takes are keys."""
    mode = grammar.attributes.get("mode")
    if mode is not None:
        return mode == "dtmf"
    return all(_keys(token) is not None for token in _tokens(grammar))


def read_srgs(grammar: Element) -> Grammar:
    """The grammar in a `<grammar>` element. Raises `SpeechGrammar`, `BadGrammar`, or `GrammarTooLarge`."""
    if not is_for_keys(grammar):
        raise SpeechGrammar(SPEECH)
    rules = {
        each.attributes["id"]: each for each in grammar.elements if each.name == "rule" and "id" in each.attributes
    }
    if not rules:
        raise BadGrammar(grammar, "The grammar has no <rule> with an id; add one.")
    root = grammar.attributes.get("root") or next(iter(rules))
    if root not in rules:
        raise BadGrammar(grammar, f"The grammar has no rule {root[:40]!r}; correct root.")
    reader = _Reader(rules)
    node = Rule(root, reader.rule(rules[root]))
    return compile_grammar(node, literals=not _is_script(grammar, reader.tags))


def _is_script(grammar: Element, tags: list[str]) -> bool:
    form = grammar.attributes.get("tag-format", "")
    if form:
        return "literals" not in form
    return any(re.search(r"(?<![\w$])(out|\$)\s*(\.\s*\w+\s*)?=", tag) for tag in tags)


def _tokens(element: Element) -> list[str]:
    tokens: list[str] = []
    for child in element.children:
        if isinstance(child, Text):
            tokens += child.text.split()
        elif child.name in ("rule", "item", "one-of", "token"):
            tokens += _tokens(child)
    return tokens


def _keys(token: str) -> str | None:
    """The keys that a token stands for; None if it is a word."""
    word = token.strip('"')
    word = _WORDS.get(word.lower(), word)
    return word if all(key in KEYS for key in word) and len(word) <= MAX_KEYS else None


class _Reader:
    def __init__(self, rules: dict[str, Element]) -> None:
        self._rules = rules
        self._open: list[str] = []
        self.tags: list[str] = []

    def rule(self, element: Element) -> Node:
        name = element.attributes["id"]
        if name in self._open or len(self._open) >= _MAX_DEPTH:
            raise BadGrammar(element, f"The rule {name[:40]!r} refers to itself; write it out.")
        self._open.append(name)
        node = self._sequence(element)
        self._open.pop()
        return node

    def _sequence(self, element: Element) -> Node:
        parts: list[Node] = []
        for child in element.children:
            if isinstance(child, Text):
                parts += self._text(element, child.text)
            elif child.name not in ("example", "meta", "metadata", "lexicon"):
                parts.append(self._element(child))
        return parts[0] if len(parts) == 1 else InOrder(tuple(parts))

    def _element(self, element: Element) -> Node:
        match element.name:
            case "one-of":
                return OneOf(tuple(self._item(child) for child in element.elements))
            case "item":
                return self._item(element)
            case "tag":
                self.tags.append(element.text)
                return Tag(element.text.strip())
            case "token":
                return InOrder(tuple(self._text(element, element.text)))
            case _:
                return self._reference(element)

    def _item(self, element: Element) -> Node:
        node = self._sequence(element)
        repeat = element.attributes.get("repeat")
        if repeat is None:
            return node
        match = _REPEAT.fullmatch(repeat.strip())
        if match is None:
            raise BadGrammar(element, "repeat is a number or a range, such as 4, 0-1, 1- or 4-6; correct it.")
        least = int(match[1])
        most = least if match[2] is None else None if match[3] is None else int(match[3])
        if least > MAX_KEYS or (most is not None and most < least):
            raise BadGrammar(element, f"repeat goes up, to {MAX_KEYS} at most; correct it.")
        return Repeated(node, least, most)

    def _text(self, element: Element, text: str) -> list[Node]:
        parts: list[Node] = []
        for token in text.split():
            keys = _keys(token)
            if keys is None:
                raise BadGrammar(element, f"{token[:40]!r} is no key; keys are 0 to 9, * and #.")
            parts += [Key(key) for key in keys]
        return parts

    def _reference(self, element: Element) -> Node:
        special, uri = element.attributes.get("special"), element.attributes.get("uri", "")
        if special == "NULL":
            return EMPTY
        if special == "VOID":
            return Never()
        if special is not None:
            raise BadGrammar(element, "GARBAGE has no meaning for keys; remove it.")
        if uri.startswith("#") and uri[1:] in self._rules:
            return Rule(uri[1:], self.rule(self._rules[uri[1:]]))
        if uri.startswith("builtin:"):
            raise BadGrammar(element, f"{uri[:60]!r} cannot be a part of a grammar; give the field that type.")
        raise BadGrammar(element, f"There is no rule {uri[:60]!r} in this grammar; bring it in, or correct uri.")
