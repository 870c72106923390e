"""Builds what can be keyed in from `<grammar>`, `type`, `<option>`, `<choice>` and `<link>`."""

import re
from collections.abc import Callable, Sequence

from calloff.voice.abnf import read_abnf
from calloff.voice.attributes import Attributes
from calloff.voice.builtin import builtin_grammar, keys_grammar
from calloff.voice.content import Content
from calloff.voice.document import Choice, KeyGrammar, Link
from calloff.voice.executable import ContentParser
from calloff.voice.grammars import Grammar
from calloff.voice.srgs import SPEECH, BadGrammar, SpeechGrammar, read_srgs
from calloff.voice.xml_reader import Element

_BUILTIN = re.compile(r"builtin:(dtmf|grammar)/(.*)", re.DOTALL)
_PLAIN = ("application/x-jsgf", "text/x-grammar-choice-dtmf", "application/srgs", "text/plain", "application/x-abnf")


class GrammarParser:
    """Parses grammars; those for speech are left out, and what has no other way to answer is reported."""

    def __init__(self, attributes: Attributes, content: ContentParser) -> None:
        self._read = attributes
        self._content = content

    def grammars(self, parent: Element, *, document_wide: bool = False) -> tuple[KeyGrammar, ...]:
        """The grammars for keys that stand in `parent`."""
        found: list[KeyGrammar] = []
        for child in parent.elements:
            if child.name == "grammar":
                grammar = self._grammar(child, document_wide=document_wide)
                if grammar is not None:
                    found.append(grammar)
        return tuple(found)

    def of_type(self, element: Element) -> tuple[str | None, tuple[KeyGrammar, ...]]:
        """The built-in type of a field and its grammar."""
        text = element.attributes.get("type", "")
        if not text.strip():
            return None, ()
        # Types of other platforms, as the standard allows them, are for speech.
        return self._builtin(element, _BUILTIN.sub(r"\2", text))

    def keys(self, element: Element) -> tuple[str | None, tuple[KeyGrammar, ...]]:
        """The keys in the attribute `dtmf`, and their grammar."""
        keys = element.attributes.get("dtmf")
        if keys is None:
            return None, ()
        grammar = self._compiled(element, lambda: keys_grammar(keys))
        return keys, () if grammar is None else (KeyGrammar(element.line, grammar),)

    def options(self, parent: Element) -> tuple[Choice, ...]:
        """The `<option>` elements that have keys."""
        choices: list[Choice] = []
        for child in parent.elements:
            if child.name == "option":
                key, grammars = self.keys(child)
                words = " ".join(child.text.split())
                said = self._content.prompts.pieces(child.children, self._content.prompts.manner)
                value = child.attributes.get("value") or words or key or ""
                choices.append(Choice(child.line, said, key, grammars, value, ()))
        return tuple(choices)

    def choices(self, menu: Element) -> tuple[Choice, ...]:
        """The `<choice>` elements of a menu, which gives keys to the first nine without one if `dtmf` is true."""
        numbered = self._read.boolean(menu, "dtmf") is True
        choices: list[Choice] = []
        free = iter("123456789")
        for child in menu.elements:
            if child.name != "choice":
                continue
            if numbered and child.attributes.get("dtmf") is None:
                child.attributes["dtmf"] = next(free, "")
                if not child.attributes["dtmf"]:
                    del child.attributes["dtmf"]
            key, grammars = self.keys(child)
            said = self._content.prompts.pieces(
                [each for each in child.children if not (isinstance(each, Element) and each.name == "grammar")],
                self._content.prompts.manner,
            )
            leads = self._content.leads(child)
            choices.append(Choice(child.line, said, key, (*grammars, *self.grammars(child)), None, leads))
        return tuple(choices)

    def links(self, parent: Element, *, document_wide: bool = False) -> tuple[Link, ...]:
        """The `<link>` elements that keys can follow."""
        links: list[Link] = []
        for child in parent.elements:
            if child.name == "link":
                _, keys = self.keys(child)
                content: Content = self._content.leads(child)
                grammars = (*keys, *self.grammars(child, document_wide=document_wide))
                if grammars:
                    links.append(Link(child.line, grammars, content))
        return tuple(links)

    def require(self, element: Element, *ways: Sequence[object]) -> None:
        """Report an element that no key can answer."""
        known = {(problem.line, problem.element) for problem in self._read.problems} | self._read.cut
        if not any(ways) and (element.line, element.name) not in known:
            self._read.report(element, SPEECH)

    def _grammar(self, element: Element, *, document_wide: bool) -> KeyGrammar | None:
        if element.attributes.get("mode") == "voice":
            return None
        wide = document_wide or element.attributes.get("scope") == "document"
        source = element.attributes.get("src")
        if source is None and "srcexpr" not in element.attributes:
            grammar = self._inline(element)
            return None if grammar is None else KeyGrammar(element.line, grammar, document_wide=wide)
        builtin = _BUILTIN.fullmatch((source or "").strip())
        if builtin is not None:
            _, found = self._builtin(element, builtin[2])
            return found[0] if found else None
        if source is not None and _is_speech_file(source, element.attributes.get("type", "")):
            return None
        target = self._read.target(element, "src", "srcexpr")
        fetch = self._read.fetch(element)
        return KeyGrammar(element.line, None, target, self._read.base, fetch, wide)

    def _inline(self, element: Element) -> Grammar | None:
        if element.elements:
            return self._compiled(element, lambda: read_srgs(element))
        kind = element.attributes.get("type", "")
        if "#ABNF" not in element.text and element.attributes.get("mode") != "dtmf" and kind not in _PLAIN:
            return None
        return self._compiled(element, lambda: read_abnf(element.text))

    def _builtin(self, element: Element, text: str) -> tuple[str | None, tuple[KeyGrammar, ...]]:
        try:
            kind, grammar = builtin_grammar(text)
        except ValueError as error:
            self._read.report(element, str(error))
            return None, ()
        return kind, (KeyGrammar(element.line, grammar),)

    def _compiled(self, element: Element, compile_: Callable[[], Grammar]) -> Grammar | None:
        try:
            return compile_()
        except SpeechGrammar:
            return None
        except BadGrammar as error:
            self._read.report(error.element, str(error))
        except ValueError as error:
            self._read.report(element, str(error))
        return None


def _is_speech_file(source: str, kind: str) -> bool:
    """Whether only speech is written in files like that: JSGF, and the languages of recognizers."""
    name = source.partition("?")[0].lower()
    return "jsgf" in kind or name.endswith((".jsgf", ".gram", ".bnf", ".grm", ".gsl"))
