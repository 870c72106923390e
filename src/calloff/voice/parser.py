"""Turns a VoiceXML document into a checked `Document`, or says everything that is wrong with it."""

from calloff.voice import values
from calloff.voice.document import Block, Boolean, Digits, Document, Field, Form, Handler, Item, Prompt, Var
from calloff.voice.executable import ContentParser
from calloff.voice.problems import ApplicationError, Problem
from calloff.voice.vocabulary import NAMESPACE, RULES, SCHEMA_HINT, how_to_mend
from calloff.voice.xml_reader import Element, Text, read_xml

DEFAULT_LANGUAGE = "en-US"


def parse_document(xml: bytes) -> Document:
    """The application that `xml` describes (VoiceXML 2.1, the subset of docs/telephony.md).

    Raises `ApplicationError` with all problems that were found; each names line, element and what to do.
    """
    root = read_xml(xml, NAMESPACE)
    if root.name != "vxml":
        raise ApplicationError([Problem(root.line, root.name, "Start the document with <vxml version='2.1'>.")])
    problems = _problems_of_structure(root)
    if problems:
        raise ApplicationError(problems)
    parser = _Parser(root)
    document = parser.document(root)
    if parser.problems:
        raise ApplicationError(parser.problems)
    return document


def _problems_of_structure(element: Element) -> list[Problem]:
    """What stands where it may not, in `element` and below; the content of an unknown element is not looked at."""
    rule = RULES.get(element.name)
    if rule is None:
        return [Problem(element.line, element.name, how_to_mend(element.name))]
    found: list[Problem] = []

    def report(message: str, line: int = element.line) -> None:
        found.append(Problem(line, element.name, message))

    for name in element.attributes:
        if name not in rule.attributes and name != SCHEMA_HINT:
            report(f"The attribute {name} is not supported here; remove it.")
    for name in sorted(rule.required - element.attributes.keys()):
        report(f"Add the attribute {name}.")
    for child in element.children:
        if isinstance(child, Text):
            if child.text.strip() and not rule.text:
                report("Text cannot stand here; put it into a <prompt>.", child.line)
        elif child.name in RULES and child.name not in rule.children:
            parents = ", ".join(f"<{name}>" for name, parent in RULES.items() if child.name in parent.children)
            where = f"put it into one of {parents}" if parents else "there can be only one, around everything"
            found.append(Problem(child.line, child.name, f"It cannot stand in <{element.name}>; {where}."))
        else:
            found += _problems_of_structure(child)
    return found


class _Parser:
    """Builds the document's parts; whatever cannot be built is a problem, and a stand-in takes its place."""

    def __init__(self, root: Element) -> None:
        self.problems: list[Problem] = []
        self._prompts: list[Prompt] = []
        language = root.attributes.get("xml:lang", DEFAULT_LANGUAGE)
        self._content = ContentParser(self._report, self._prompts, language)
        self._language = language

    def document(self, root: Element) -> Document:
        if root.attributes["version"] not in ("2.0", "2.1"):
            self._report(root, 'Write version="2.1".')
        forms = tuple(self._form(child, index) for index, child in enumerate(_children(root, "form")))
        if not forms:
            self._report(root, "Add a <form>; there is nothing to run.")
        self._check_unique(root, "form", "id")
        self._check_targets(root, {form.id for form in forms})
        variables = self._variables(root)
        return Document(self._language, variables, forms, self._handlers(root), tuple(self._prompts))

    def _form(self, element: Element, index: int) -> Form:
        self._check_unique(element, "field", "name")
        items = tuple(
            self._field(child, position) if child.name == "field" else self._block(child, position)
            for position, child in enumerate(element.elements)
            if child.name in ("field", "block")
        )
        self._check_item_targets(element, items)
        form_id = element.attributes.get("id", f"#{index}")
        return Form(element.line, form_id, self._variables(element), items, self._handlers(element))

    def _block(self, element: Element, position: int) -> Item:
        name = self._item_name(element, position)
        content = self._content.content(element)
        return Block(
            element.line,
            name,
            self._content.expression(element, "expr"),
            self._content.expression(element, "cond"),
            content,
        )

    def _field(self, element: Element, position: int) -> Item:
        return Field(
            line=element.line,
            name=self._item_name(element, position),
            expr=self._content.expression(element, "expr"),
            cond=self._content.expression(element, "cond"),
            answer=self._answer(element),
            prompts=self._content.prompts(element),
            handlers=self._handlers(element),
            filled=tuple(self._content.content(child) for child in _children(element, "filled")),
        )

    def _item_name(self, element: Element, position: int) -> str:
        """The name given, or one that no document can use, so that the item has a variable all the same."""
        name = element.attributes.get("name")
        if name is None:
            return f"#{position}"
        self._content.check_name(element, name)
        return name

    def _answer(self, element: Element) -> Digits | Boolean:
        try:
            return values.answer_type(element.attributes["type"])
        except ValueError as error:
            self._report(element, str(error))
            return Digits()

    def _variables(self, element: Element) -> tuple[Var, ...]:
        return tuple(self._content.variable(child) for child in _children(element, "var"))

    def _handlers(self, element: Element) -> tuple[Handler, ...]:
        handlers = []
        for child in element.elements:
            if child.name == "noinput" or child.name == "nomatch":
                count = self._content.whole_number(child, "count")
                cond = self._content.expression(child, "cond")
                content = self._content.content(child)
                handlers.append(
                    Handler(child.line, "noinput" if child.name == "noinput" else "nomatch", count, cond, content)
                )
        return tuple(handlers)

    def _check_unique(self, parent: Element, name: str, attribute: str) -> None:
        seen: set[str] = set()
        for child in _children(parent, name):
            value = child.attributes.get(attribute)
            if value is not None and value in seen:
                self._report(child, f"The {attribute} {value!r} is used twice; choose another one.")
            seen.add(value or "")

    def _check_targets(self, root: Element, forms: set[str]) -> None:
        for element in _descendants(root, "goto"):
            target = element.attributes.get("next", "")
            if target.startswith("#") and target[1:] not in forms:
                self._report(element, f"There is no form with the id {target[1:]!r}; correct next.")
        for handler in root.elements:
            for element in _descendants(handler, "goto"):
                if handler.name in ("noinput", "nomatch") and "nextitem" in element.attributes:
                    self._report(element, 'Outside of a form there are no items; use next="#form".')

    def _check_item_targets(self, form: Element, items: tuple[Item, ...]) -> None:
        names = {item.name for item in items}
        for element in _descendants(form, "goto"):
            target = element.attributes.get("nextitem")
            if target is not None and target not in names:
                self._report(element, f"This form has no field or block named {target!r}; correct nextitem.")

    def _report(self, element: Element, message: str) -> None:
        self.problems.append(Problem(element.line, element.name, message))


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element.elements if child.name == name]


def _descendants(element: Element, name: str) -> list[Element]:
    found = []
    for child in element.elements:
        found += [child] if child.name == name else _descendants(child, name)
    return found
