"""Which variables of a call an application reads, so that a call that lacks one is refused before anybody answers."""

import re
from collections.abc import Iterator, Mapping

from calloff.voice.document import Document
from calloff.voice.values import words

DEFAULT = "variable."
"""`<meta name="variable.first_name" content="customer"/>` declares what is used where a call has no `first_name`."""

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<template>`(?:[^`\\]|\\.)*`)
    |(?P<number>\.?\d[\w.]*)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<regex>/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)
    |(?P<mark>=>|\?\.|\.\.\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = words(
    "async await break case catch class const continue debugger default delete do else export extends false finally for"
    " function if import in instanceof let new null of return static super switch this throw true try typeof undefined"
    " var void while with yield arguments get set"
)
_GIVEN = words(
    "session application document dialog lastresult$ _event _message _prompt _dtmf Array BigInt Boolean Date Error"
    " EvalError Function Infinity Intl JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect"
    " RegExp Set String Symbol SyntaxError TypeError URIError WeakMap WeakSet decodeURI decodeURIComponent encodeURI"
    " encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt unescape"
)
_OPERATOR_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%<>~^") | {"=>"}


def required_variables(document: Document) -> Mapping[str, str | None]:
    """The call's variables that `document` reads, each with the default that it declares, None if there is none.

    A call that lacks one without a default would fail when it is answered. Names that the document asks for with
    `typeof` it can do without; nothing is known of a document whose root document may declare them.
    """
    own = defaults(document)
    found: dict[str, str | None] = dict(own)
    if document.root is not None:
        return found
    optional: set[str] = set()
    read: dict[str, None] = {}
    for _line, source, is_script in document.expressions:
        names, spared = free_names(source)
        optional |= spared
        declared = document.declared if not is_script else document.declared | _locals(source)
        read.update(dict.fromkeys(name for name in names if name not in declared))
    for name in read:
        if name not in optional and name not in _GIVEN and not name.endswith("$"):
            found.setdefault(name, None)
    return found


def defaults(document: Document) -> Mapping[str, str]:
    """What a document declares for variables that a call does not have."""
    return {name.removeprefix(DEFAULT): text for name, text in document.meta.items() if name.startswith(DEFAULT)}


def free_names(source: str) -> tuple[list[str], set[str]]:
    """The names that an expression or a script reads, and those that it only asks for the type of."""
    names: list[str] = []
    spared: set[str] = set()
    declared = _locals(source)
    tokens = list(_tokens(source))
    for index, (kind, text) in enumerate(tokens):
        if kind == "template":
            for inner in re.findall(r"\$\{([^}]*)\}", text):
                names += free_names(inner)[0]
        if kind != "name" or text in _WORDS or text in declared:
            continue
        before = tokens[index - 1][1] if index else ""
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        if before in (".", "?.") or (after == ":" and before in ("{", ",")):
            if before == "." and _is_scope(tokens, index):
                names.append(text)
            continue
        if before == "typeof":
            spared.add(text)
        elif not (text == "application" and after in (".", "[")):
            names.append(text)
        elif after == "[" and index + 2 < len(tokens) and tokens[index + 2][0] == "string":
            names.append(tokens[index + 2][1][1:-1])
    return names, spared


def _is_scope(tokens: list[tuple[str, str]], index: int) -> bool:
    """Whether the name before a dot is the scope in which the call's variables stand."""
    return index >= 2 and tokens[index - 2][1] == "application" and (index < 3 or tokens[index - 3][1] != ".")


def _locals(source: str) -> frozenset[str]:
    """The names that functions and declarations within a source bring along."""
    names: set[str] = set()
    tokens = list(_tokens(source))
    for index, (_kind, text) in enumerate(tokens):
        if text in ("function", "catch"):
            names |= _parameters(tokens, index + 1)
        elif text in ("var", "let", "const", "class"):
            names |= _declared(tokens, index + 1)
        elif text == "=>" and index:
            if tokens[index - 1][0] == "name":
                names.add(tokens[index - 1][1])
            else:
                names |= _arrow(tokens, index - 1)
    return frozenset(names)


def _parameters(tokens: list[tuple[str, str]], at: int) -> set[str]:
    """The name of a function and its parameters."""
    names: set[str] = set()
    for kind, text in tokens[at:]:
        if kind == "name":
            names.add(text)
        elif text == ")":
            break
    return names


def _declared(tokens: list[tuple[str, str]], at: int) -> set[str]:
    """The names after `var`, each at the beginning or after a comma that is in no brackets."""
    names: set[str] = set()
    depth, expected = 0, True
    for kind, text in tokens[at:]:
        if text in "([{":
            depth += 1
        elif text in ")]}":
            depth -= 1
        if depth < 0 or text == ";" or (depth == 0 and text in ("in", "of")):
            break
        if kind == "name" and (expected or (depth and not names)) and text not in _WORDS:
            names.add(text)
        expected = depth == 0 and text == ","
    return names


def _arrow(tokens: list[tuple[str, str]], at: int) -> set[str]:
    """The parameters in the brackets before an arrow."""
    names: set[str] = set()
    while at >= 0 and tokens[at][1] != "(":
        if tokens[at][0] == "name":
            names.add(tokens[at][1])
        at -= 1
    return names


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    at, last = 0, ""
    while at < len(source):
        match = _TOKEN.match(source, at)
        assert match is not None, "any character is a token"
        kind, text = str(match.lastgroup), match[0]
        if kind == "regex" and last and last not in _OPERATOR_BEFORE_REGEX and last != "return":
            kind, text = "mark", "/"
        at += len(text)
        if kind != "space":
            yield kind, text
            last = text
