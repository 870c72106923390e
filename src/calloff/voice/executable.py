"""Builds executable content: what stands in blocks, handlers, `filled`, `if` and `foreach`."""

from calloff.voice import values
from calloff.voice.attributes import Attributes
from calloff.voice.content import (
    Action,
    Assign,
    Clear,
    Content,
    Data,
    Disconnect,
    Exit,
    Foreach,
    Goto,
    If,
    Log,
    Reprompt,
    Return,
    Script,
    Submit,
    Target,
    Throw,
)
from calloff.voice.prompt_parser import SPOKEN, PromptParser
from calloff.voice.xml_reader import Element, Text


class ContentParser:
    """Parses what can be executed."""

    def __init__(self, attributes: Attributes, prompts: PromptParser) -> None:
        self._read = attributes
        self.prompts = prompts

    def content(self, parent: Element) -> Content:
        """The actions in `parent`, in order; text, `audio` and `value` between them are prompts of their own."""
        return self._actions(parent.children)

    def script(self, element: Element) -> Script:
        """A `<script>`."""
        source = self._read.script(element)
        if source is not None and not {"src", "srcexpr"} & element.attributes.keys():
            return Script(element.line, source, Target())
        target = self._read.target(element, "src", "srcexpr", needed=False)
        return Script(element.line, source or "", target, self._read.fetch(element))

    def data(self, element: Element) -> Data:
        """A `<data>`."""
        name = element.attributes.get("name")
        if name is not None:
            self._read.name(element, name)
        target = self._read.target(element, "src", "srcexpr")
        return Data(element.line, name, target, self._read.fetch(element))

    def leads(self, element: Element) -> Content:
        """Where a `<choice>` or a `<link>` leads: to a dialog, or to an event."""
        given = element.attributes
        if {"event", "eventexpr"} & given.keys():
            if {"next", "expr"} & given.keys():
                self._read.report(element, "Give next, expr, event or eventexpr, and only one of them.")
            return (self._throw(element),)
        target = self._read.target(element, "next", "expr")
        return (Goto(element.line, target, Target(), self._read.fetch(element)),)

    def _actions(self, children: list[Element | Text]) -> Content:
        actions: list[Action] = []
        spoken: list[Element | Text] = []

        def say() -> None:
            prompt = self.prompts.loose(spoken)
            if prompt is not None:
                actions.append(prompt)
            spoken.clear()

        for child in children:
            if isinstance(child, Text) or child.name in SPOKEN:
                spoken.append(child)
                continue
            say()
            actions.append(self._action(child))
        say()
        return tuple(actions)

    def _action(self, element: Element) -> Action:
        line = element.line
        match element.name:
            case "prompt":
                return self.prompts.prompt(element)
            case "if":
                return self._if(element)
            case "var":
                return self._read.variable(element)
            case "assign":
                return self._assign(element)
            case "clear":
                return Clear(line, self._read.names(element) or ())
            case "foreach":
                self._read.name(element, element.attributes["item"])
                array = self._read.expression(element, "array") or "[]"
                return Foreach(line, element.attributes["item"], array, self._actions(element.children))
            case "goto":
                return self._goto(element)
            case "submit":
                return Submit(line, self._read.target(element, "next", "expr"), self._read.fetch(element))
            case "data":
                return self.data(element)
            case "script":
                return self.script(element)
            case "throw":
                return self._throw(element)
            case "reprompt":
                return Reprompt(line)
            case "return":
                throws = self._throw(element) if {"event", "eventexpr"} & element.attributes.keys() else None
                return Return(line, self._read.names(element) or (), throws)
            case "log":
                label = element.attributes.get("label", "")
                pieces = self.prompts.pieces(element.children, self.prompts.manner)
                return Log(line, label, self._read.expression(element, "expr"), pieces)
            case "disconnect":
                return Disconnect(line, self._read.names(element) or ())
            case _:
                if {"expr", "namelist"} <= element.attributes.keys():
                    self._read.report(element, "Give expr or namelist, not both.")
                return Exit(line, self._read.expression(element, "expr"), self._read.names(element) or ())

    def _if(self, element: Element) -> If:
        branches: list[tuple[str | None, Content]] = []
        cond = self._read.expression(element, "cond")
        start = 0
        for index, child in enumerate(element.children):
            if isinstance(child, Text) or child.name not in ("elseif", "else"):
                continue
            branches.append((cond, self._actions(element.children[start:index])))
            if cond is None:
                self._read.report(child, f"<{child.name}> cannot follow <else>; put it before.")
            cond, start = self._read.expression(child, "cond"), index + 1
        branches.append((cond, self._actions(element.children[start:])))
        return If(element.line, tuple(branches))

    def _assign(self, element: Element) -> Assign:
        name = element.attributes["name"]
        if not values.is_assignable(name):
            self._read.report(element, f"{name[:40]!r} cannot be assigned to; name a variable that <var> declares.")
        return Assign(element.line, name, self._read.expression(element, "expr") or "undefined")

    def _goto(self, element: Element) -> Goto:
        ways = {"next", "expr", "nextitem", "expritem"} & element.attributes.keys()
        if len(ways) != 1:
            self._read.report(element, 'Give one of next="#form", expr, nextitem="field" and expritem.')
        item = Target(element.attributes.get("nextitem"), self._read.expression(element, "expritem"))
        target = self._read.target(element, "next", "expr", needed=False) if ways & {"next", "expr"} else Target()
        return Goto(element.line, target, item, self._read.fetch(element))

    def _throw(self, element: Element) -> Throw:
        given = element.attributes
        event, computed = given.get("event"), self._read.expression(element, "eventexpr")
        if (event is None) == (computed is None):
            self._read.report(element, "Give either event or eventexpr.")
        if event is not None and not values.is_event(event):
            self._read.report(element, f"{event[:40]!r} is no name of an event; write one such as nomatch or a.b.c.")
        message = given.get("message")
        return Throw(element.line, event, computed, message, self._read.expression(element, "messageexpr"))
