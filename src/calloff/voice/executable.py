"""Builds executable content and prompts: what stands in blocks, handlers, `filled` and `if`."""

import re
from collections.abc import Callable

from calloff.voice import values
from calloff.voice.document import (
    Action,
    Assign,
    Audio,
    Break,
    Content,
    Disconnect,
    Exit,
    Goto,
    If,
    Log,
    Piece,
    Prompt,
    Say,
    SayValue,
    Var,
)
from calloff.voice.expressions import check_expression
from calloff.voice.xml_reader import Element, Text

_SPOKEN = ("audio", "value", "break")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,120}\.wav", re.ASCII | re.IGNORECASE)


class ContentParser:
    """Parses what can be executed; calls `report` for each problem and adds each prompt to `found`."""

    def __init__(self, report: Callable[[Element, str], None], found: list[Prompt], language: str) -> None:
        self._report = report
        self._found = found
        self._language = language

    def content(self, parent: Element) -> Content:
        """The actions in `parent`, in order; text, `audio` and `value` between them are prompts of their own."""
        return self._actions(parent, parent.children)

    def prompts(self, parent: Element) -> tuple[Prompt, ...]:
        """The prompts of a field."""
        spoken = [child for child in parent.children if isinstance(child, Text) or child.name in (*_SPOKEN, "prompt")]
        return tuple(action for action in self._actions(parent, spoken) if isinstance(action, Prompt))

    def whole_number(self, element: Element, attribute: str) -> int:
        """The attribute as a number from 1 on; 1 if it is absent."""
        text = element.attributes.get(attribute, "1")
        if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or int(text) < 1:
            self._report(element, f"{attribute} is a whole number from 1 on; correct it.")
            return 1
        return int(text)

    def expression(self, element: Element, attribute: str) -> str | None:
        """The ECMAScript expression in the attribute; None if it is absent."""
        source = element.attributes.get(attribute)
        if source is None:
            return None
        reason = check_expression(source)
        if reason is not None:
            self._report(element, f"The expression in {attribute} cannot be read ({reason}); correct it.")
        return source

    def variable(self, element: Element) -> Var:
        """A `<var>`."""
        name = element.attributes["name"]
        self.check_name(element, name)
        return Var(element.line, name, self.expression(element, "expr"))

    def check_name(self, element: Element, name: str) -> None:
        """Report a name that no variable can have."""
        if not values.is_variable_name(name):
            message = f"{name[:40]!r} cannot name a variable; use letters, digits and _, and no word of ECMAScript."
            self._report(element, message)

    def _actions(self, parent: Element, children: list[Element | Text]) -> Content:
        actions: list[Action] = []
        spoken: list[Element | Text] = []

        def say() -> None:
            pieces = self._pieces(spoken)
            if pieces:
                actions.append(self._remember(Prompt(pieces[0].line, pieces, self._language)))
            spoken.clear()

        for child in children:
            if isinstance(child, Text) or child.name in _SPOKEN:
                spoken.append(child)
                continue
            say()
            actions.append(self._action(parent, child))
        say()
        return tuple(actions)

    def _action(self, parent: Element, element: Element) -> Action:
        match element.name:
            case "prompt":
                return self._prompt(element)
            case "if":
                return self._if(element)
            case "var":
                return self.variable(element)
            case "assign":
                return self._assign(element)
            case "goto":
                return self._goto(element)
            case "log":
                label = element.attributes.get("label", "")
                spoken = tuple(p for p in self._pieces(element.children) if isinstance(p, Say | SayValue))
                return Log(element.line, label, self.expression(element, "expr"), spoken)
            case "disconnect":
                return Disconnect(element.line, self._names(element))
            case "exit":
                if {"expr", "namelist"} <= element.attributes.keys():
                    self._report(element, "Give expr or namelist, not both.")
                return Exit(element.line, self.expression(element, "expr"), self._names(element))
            case _:
                raise AssertionError(f"<{element.name}> passed the check of structure in <{parent.name}>")

    def _prompt(self, element: Element) -> Prompt:
        language = element.attributes.get("xml:lang", self._language)
        if not _LANGUAGE.fullmatch(language):
            self._report(element, "xml:lang is a language such as en-US; correct it.")
        bargein = element.attributes.get("bargein", "true")
        if bargein not in ("true", "false"):
            self._report(element, "bargein is true or false; correct it.")
        timeout = element.attributes.get("timeout")
        prompt = Prompt(
            line=element.line,
            pieces=self._pieces(element.children),
            language=language,
            barge_in=bargein == "true",
            count=self.whole_number(element, "count"),
            cond=self.expression(element, "cond"),
            timeout=None if timeout is None else self._value(element, lambda: values.seconds(timeout), 5.0),
        )
        return self._remember(prompt)

    def _remember(self, prompt: Prompt) -> Prompt:
        self._found.append(prompt)
        return prompt

    def _pieces(self, children: list[Element | Text]) -> tuple[Piece, ...]:
        pieces: list[Piece] = []
        for child in children:
            if isinstance(child, Text):
                text = " ".join(child.text.split())
                if text:
                    pieces.append(Say(child.line, text))
            elif child.name == "value":
                pieces.append(SayValue(child.line, self.expression(child, "expr") or "''"))
            elif child.name == "break":
                pieces.append(Break(child.line, self._break(child)))
            else:
                pieces.append(Audio(child.line, self._source(child), self._pieces(child.children)))
        return tuple(pieces)

    def _break(self, element: Element) -> float:
        time, strength = element.attributes.get("time"), element.attributes.get("strength")
        return self._value(element, lambda: values.break_seconds(time, strength), 0.0)

    def _source(self, element: Element) -> str:
        source = element.attributes["src"].strip()
        if not source.lower().startswith(("http://", "https://")) and not _FILE.fullmatch(source):
            self._report(element, "src is the name of an uploaded file such as hello.wav, or an http(s) address.")
        return source

    def _if(self, element: Element) -> If:
        branches: list[tuple[str | None, Content]] = []
        cond = self.expression(element, "cond")
        start = 0
        for index, child in enumerate(element.children):
            if isinstance(child, Text) or child.name not in ("elseif", "else"):
                continue
            branches.append((cond, self._actions(element, element.children[start:index])))
            if branches and cond is None:
                self._report(child, f"<{child.name}> cannot follow <else>; put it before.")
            cond, start = self.expression(child, "cond"), index + 1
        branches.append((cond, self._actions(element, element.children[start:])))
        return If(element.line, tuple(branches))

    def _assign(self, element: Element) -> Assign:
        name = element.attributes["name"]
        if not values.is_assignable(name):
            self._report(element, f"{name[:40]!r} cannot be assigned to; name a variable that <var> declares.")
        return Assign(element.line, name, self.expression(element, "expr") or "undefined")

    def _goto(self, element: Element) -> Goto:
        form, item = element.attributes.get("next"), element.attributes.get("nextitem")
        if (form is None) == (item is None):
            self._report(element, 'Give either next="#form" or nextitem="field".')
        if form is not None and not form.startswith("#"):
            self._report(element, 'Only forms of this document can be reached; write next="#form".')
        return Goto(element.line, None if form is None else form.removeprefix("#"), item)

    def _names(self, element: Element) -> tuple[str, ...]:
        names = tuple(element.attributes.get("namelist", "").split())
        for name in names:
            if not values.is_assignable(name):
                self._report(element, f"{name[:40]!r} in namelist cannot name a variable; correct it.")
        return names

    def _value(self, element: Element, read: Callable[[], float], instead: float) -> float:
        try:
            return read()
        except ValueError as error:
            self._report(element, str(error))
            return instead
