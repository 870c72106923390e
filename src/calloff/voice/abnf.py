"""Reads grammars for keys in the ABNF form of SRGS 1.0, and the bare expansions that older documents write."""

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
from calloff.voice.srgs import SPEECH, SpeechGrammar

_TOKEN = re.compile(
    r"\s+|//[^\n]*|/\*.*?\*/"
    r"|(?P<weight>/[0-9.]+/)|(?P<tag>\{!\{.*?\}!\}|\{[^}]*\})|(?P<repeat><\s*[0-9]+\s*(?:-\s*[0-9]*\s*)?(?:/[0-9.]+/)?>)"
    r'|(?P<rule>\$[A-Za-z_][\w.-]*)|(?P<string>"[^"]*")|(?P<mark>[()\[\]|;=])|(?P<word>[^\s()\[\]{}<>|;="$/]+)',
    re.DOTALL,
)
_HEADER = re.compile(r"\s*#ABNF\s+1\.0[^;]*;")
_WORDS = {"star": "*", "pound": "#", "hash": "#"}
_MAX_DEPTH = 30


def read_abnf(text: str) -> Grammar:
    """The grammar in `text`. Raises `SpeechGrammar`, or `ValueError` with what to mend."""
    header = _HEADER.match(text)
    if header is None:
        tokens = _tokens(text)
        reader = _Reader({"main": tokens})
        return compile_grammar(Rule("main", reader.rule("main")), literals=True)
    declarations, rules = _statements(_tokens(text[header.end() :]))
    if declarations.get("mode") != "dtmf":
        raise SpeechGrammar(SPEECH)
    root = declarations.get("root", "").removeprefix("$") or next(iter(rules), "")
    if root not in rules:
        raise ValueError("The grammar has no rule that is its root; name it in root $rule.")
    reader = _Reader(rules)
    literals = "literals" in declarations.get("tag-format", "literals")
    return compile_grammar(Rule(root, reader.rule(root)), literals=literals)


_Token = tuple[str, str]


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"The grammar cannot be read from {text[at : at + 20]!r} on; correct it.")
        if match.lastgroup not in (None, "weight"):
            tokens.append((str(match.lastgroup), match[0]))
        at = match.end()
    return tokens


def _statements(tokens: list[_Token]) -> tuple[dict[str, str], dict[str, list[_Token]]]:
    """The declarations (`mode dtmf;`) and the expansions of the rules (`public $name = …;`)."""
    declarations: dict[str, str] = {}
    rules: dict[str, list[_Token]] = {}
    statement: list[_Token] = []
    for token in tokens:
        if token != ("mark", ";"):
            statement.append(token)
            continue
        words = [text for _, text in statement if text not in ("public", "private")]
        if ("mark", "=") in statement:
            rules[words[0].removeprefix("$")] = statement[statement.index(("mark", "=")) + 1 :]
        elif len(words) > 1:
            declarations[words[0]] = words[1].strip("<>")
        statement = []
    return declarations, rules


class _Reader:
    def __init__(self, rules: dict[str, list[_Token]]) -> None:
        self._rules = rules
        self._open: list[str] = []

    def rule(self, name: str) -> Node:
        if name not in self._rules:
            raise ValueError(f"There is no rule ${name[:40]} in this grammar; bring it in, or correct its name.")
        if name in self._open or len(self._open) >= _MAX_DEPTH:
            raise ValueError(f"The rule ${name[:40]} refers to itself; write it out.")
        self._open.append(name)
        rest = list(reversed(self._rules[name]))
        node = self._alternatives(rest)
        if rest:
            raise ValueError(f"The grammar cannot be read from {rest[-1][1][:20]!r} on; correct it.")
        self._open.pop()
        return node

    def _alternatives(self, rest: list[_Token]) -> Node:
        parts = [self._sequence(rest)]
        while rest and rest[-1] == ("mark", "|"):
            rest.pop()
            parts.append(self._sequence(rest))
        return parts[0] if len(parts) == 1 else OneOf(tuple(parts))

    def _sequence(self, rest: list[_Token]) -> Node:
        parts: list[Node] = []
        while rest and rest[-1] not in (("mark", "|"), ("mark", ")"), ("mark", "]")):
            kind, text = rest.pop()
            if kind == "repeat" and parts:
                parts[-1] = _repeated(parts[-1], text)
            else:
                parts.append(self._part(kind, text, rest))
        return parts[0] if len(parts) == 1 else InOrder(tuple(parts))

    def _part(self, kind: str, text: str, rest: list[_Token]) -> Node:
        if text in ("(", "["):
            node = self._alternatives(rest)
            if not rest or rest.pop()[1] != {"(": ")", "[": "]"}[text]:
                raise ValueError(f"A {text!r} of the grammar is not closed; close it.")
            return Repeated(node, 0, 1) if text == "[" else node
        if kind == "tag":
            return Tag(re.sub(r"^\{!?\{?|\}?!?\}$", "", text).strip().strip("'\""))
        if kind == "rule":
            name = text[1:]
            special: dict[str, Node] = {"NULL": EMPTY, "VOID": Never()}
            return special.get(name) or Rule(name, self.rule(name))
        if kind in ("word", "string"):
            return InOrder(tuple(Key(key) for key in _keys(text.strip('"'))))
        raise ValueError(f"The grammar cannot be read from {text[:20]!r} on; correct it.")


def _keys(text: str) -> str:
    keys = "".join(_WORDS.get(word.lower(), word) for word in text.removeprefix("dtmf-").split())
    if not all(key in KEYS for key in keys):
        raise SpeechGrammar(SPEECH)
    return keys


def _repeated(node: Node, text: str) -> Node:
    low, dash, high = text.strip("<> ").partition("/")[0].partition("-")
    least = int(low)
    most = least if not dash else int(high) if high.strip() else None
    if least > MAX_KEYS or (most is not None and most < least):
        raise ValueError(f"A repetition goes up, to {MAX_KEYS} at most; correct it.")
    return Repeated(node, least, most)
