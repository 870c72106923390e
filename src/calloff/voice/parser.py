"""Turns a VoiceXML document into a checked `Document`, or says everything that is wrong with it."""

import re

from calloff.voice.attributes import DEFAULT_LANGUAGE, Attributes
from calloff.voice.content import Data, Manner, Script, Var
from calloff.voice.dialogs import DialogParser, descendants
from calloff.voice.document import Document
from calloff.voice.executable import ContentParser
from calloff.voice.problems import ApplicationError, Problem
from calloff.voice.prompt_parser import PromptParser
from calloff.voice.vocabulary import NAMESPACES, RULES, Rule, how_to_mend
from calloff.voice.xml_reader import Element, Text, read_xml


def parse_document(xml: bytes, base: str = "") -> Document:
    """The document that `xml` describes (VoiceXML 2.0 or 2.1 for keys, docs/voicexml.md); `base` is where it is from.

    Raises `ApplicationError` with all problems that were found; each names line, element and what to do.
    """
    root = read_xml(xml, *NAMESPACES)
    if root.name != "vxml":
        raise ApplicationError([Problem(root.line, root.name, "Start the document with <vxml version='2.1'>.")])
    if root.attributes.get("version", "2.1") not in ("2.0", "2.1"):
        raise ApplicationError([Problem(root.line, "vxml", 'Write the document in VoiceXML 2.1, with version="2.1".')])
    attributes = Attributes(root.attributes.get("xml:base", base))
    _cut(root, attributes)
    document = _document(root, attributes)
    if attributes.problems:
        raise ApplicationError(attributes.problems)
    return document


def _cut(element: Element, attributes: Attributes) -> None:
    """Report what stands where it may not, in `element` and below, and cut it out, so that the rest can be read."""
    rule = RULES[element.name]
    for name in element.attributes:
        # Those of other namespaces, and of XML itself, change nothing here.
        if name not in rule.attributes and not name.startswith(("{", "xml:")):
            attributes.report(element, f"The attribute {name} is not known here; remove it, or correct its name.")
    if element.name == "metadata":
        element.children.clear()
    for child in list(element.children):
        problem = _problem_of_child(rule, element, child)
        if problem is not None:
            attributes.problems.append(problem)
            attributes.cut.add((element.line, element.name))
            element.children.remove(child)
        elif isinstance(child, Element):
            _cut(child, attributes)


def _problem_of_child(rule: Rule, parent: Element, child: Element | Text) -> Problem | None:
    """Why `child` cannot stand there; the content of such an element is not looked at."""
    if isinstance(child, Text):
        if child.text.strip() and not rule.text:
            return Problem(child.line, parent.name, "Text cannot stand here; put it into a <prompt>.")
        return None
    own = RULES.get(child.name)
    if own is None:
        return Problem(child.line, child.name, how_to_mend(child.name))
    if child.name not in rule.children:
        parents = ", ".join(f"<{name}>" for name, other in RULES.items() if child.name in other.children)
        where = f"put it into one of {parents}" if parents else "there can be only one, around everything"
        return Problem(child.line, child.name, f"It cannot stand in <{parent.name}>; {where}.")
    missing = sorted(own.required - child.attributes.keys())
    return Problem(child.line, child.name, f"Add the attribute {', '.join(missing)}.") if missing else None


def _document(root: Element, attributes: Attributes) -> Document:
    language = attributes.language(root, DEFAULT_LANGUAGE)
    content = ContentParser(attributes, PromptParser(attributes, Manner(language)))
    dialogs = DialogParser(attributes, content)
    beginning: list[Var | Script | Data] = []
    for child in root.elements:
        if child.name == "var":
            beginning.append(attributes.variable(child))
        elif child.name == "script":
            beginning.append(content.script(child))
        elif child.name == "data":
            beginning.append(content.data(child))
    forms = tuple(
        dialogs.form(child, index) if child.name == "form" else dialogs.menu(child, index)
        for index, child in enumerate(root.elements)
        if child.name in ("form", "menu")
    )
    _check(root, attributes)
    return Document(
        language=language,
        base=attributes.base,
        root=root.attributes.get("application"),
        beginning=tuple(beginning),
        forms=forms,
        handlers=dialogs.handlers(root),
        links=dialogs.links(root),
        properties=dialogs.properties(root),
        meta=_meta(root),
        prompts=tuple(attributes.prompts),
        addresses=tuple(attributes.addresses),
        expressions=tuple(attributes.expressions),
        declared=frozenset(attributes.declared),
    )


def _meta(root: Element) -> dict[str, str]:
    named = [child.attributes for child in root.elements if child.name == "meta"]
    return {attributes["name"]: attributes["content"] for attributes in named if "name" in attributes}


def _check(root: Element, attributes: Attributes) -> None:
    """IDs of dialogs are used once, and what leads to one of this document finds it."""
    dialogs = [child for child in root.elements if child.name in ("form", "menu")]
    seen: set[str] = set()
    for child in dialogs:
        name = child.attributes.get("id")
        if name is not None and name in seen:
            attributes.report(child, f"The id {name!r} is used twice; choose another one.")
        seen.add(name or "")
    ways = (("goto", "next"), ("submit", "next"), ("choice", "next"), ("link", "next"), ("subdialog", "src"))
    for element_name, attribute in ways:
        for element in descendants(root, element_name):
            target = element.attributes.get(attribute, "").strip()
            if re.match(r"#.", target) and target[1:] not in seen:
                attributes.report(element, f"There is no form with the id {target[1:]!r}; correct {attribute}.")
    for handler in root.elements:
        for element in descendants(handler, "goto"):
            if handler.name in ("catch", "error", "help", "noinput", "nomatch") and "nextitem" in element.attributes:
                attributes.report(element, 'Outside of a form there are no items; use next="#form".')
