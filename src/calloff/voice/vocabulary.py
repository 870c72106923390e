"""Which elements and attributes an application may use, and what to do instead of those that it may not."""

from dataclasses import dataclass

NAMESPACE = "http://www.w3.org/2001/vxml"
NAMESPACES = (NAMESPACE, "http://www.w3.org/2001/06/grammar", "http://www.w3.org/2001/10/synthesis")
"""VoiceXML, SRGS and SSML: their names do not overlap in what they mean."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What may stand in an element."""

    attributes: frozenset[str]
    children: frozenset[str]
    text: bool = False
    required: frozenset[str] = frozenset()


def _rule(attributes: str = "", children: str = "", *, text: bool = False, required: str = "") -> Rule:
    names = frozenset(required.split())
    return Rule(frozenset(attributes.split()) | names, frozenset(children.split()), text, names)


_FETCH = "fetchaudio fetchhint fetchtimeout maxage maxstale"
_SAID = "audio value enumerate"
_SSML = (
    f"{_SAID} break emphasis mark phoneme prosody say-as sub voice p s paragraph sentence foreach lexicon meta metadata"
)
_ACTIONS = (
    f"prompt if var assign clear goto submit data script throw reprompt return log disconnect exit foreach {_SSML}"
)
_EVENTS = "catch error help noinput nomatch"
_ASKS = f"{_EVENTS} filled prompt property"
_ITEM = "name expr cond"
_RULES_OF_GRAMMAR = "item one-of ruleref tag token"
_SEND = f"namelist method enctype {_FETCH}"

RULES: dict[str, Rule] = {
    "vxml": _rule(
        "version xml:lang xml:base application",
        f"{_EVENTS} form menu link meta metadata property script var data",
    ),
    "meta": _rule("name http-equiv scheme", required="content"),
    "metadata": _rule("", "", text=True),
    "form": _rule(
        "id scope",
        f"{_EVENTS} block field filled grammar initial link object property record script subdialog transfer var",
    ),
    "menu": _rule("id scope dtmf accept", f"{_EVENTS} {_SAID} choice prompt property", text=True),
    "choice": _rule(
        f"dtmf accept next expr event eventexpr message messageexpr {_FETCH}", f"{_SSML} grammar", text=True
    ),
    "link": _rule(f"next expr event eventexpr message messageexpr dtmf {_FETCH}", "grammar"),
    "property": _rule(required="name value"),
    "block": _rule(_ITEM, _ACTIONS, text=True),
    "field": _rule(f"{_ITEM} type slot modal xml:lang", f"{_ASKS} {_SAID} grammar link option", text=True),
    "option": _rule("dtmf accept value", "", text=True),
    "initial": _rule(_ITEM, f"{_EVENTS} {_SAID} link prompt property", text=True),
    "subdialog": _rule(f"{_ITEM} src srcexpr modal {_SEND}", f"{_ASKS} {_SAID} param", text=True),
    "param": _rule("expr value valuetype type", required="name"),
    "record": _rule(f"{_ITEM} modal beep maxtime finalsilence dtmfterm type", f"{_ASKS} {_SAID} grammar", text=True),
    "transfer": _rule(
        f"{_ITEM} dest destexpr bridge type connecttimeout maxtime transferaudio aai aaiexpr",
        f"{_ASKS} {_SAID} grammar",
        text=True,
    ),
    "filled": _rule("mode namelist", _ACTIONS, text=True),
    "catch": _rule("event count cond", _ACTIONS, text=True),
    "error": _rule("count cond", _ACTIONS, text=True),
    "help": _rule("count cond", _ACTIONS, text=True),
    "noinput": _rule("count cond", _ACTIONS, text=True),
    "nomatch": _rule("count cond", _ACTIONS, text=True),
    "prompt": _rule("bargein bargeintype count cond timeout xml:lang xml:base version", _SSML, text=True),
    "audio": _rule(f"src expr {_FETCH}", f"{_SSML} desc", text=True),
    "desc": _rule("xml:lang", text=True),
    "break": _rule("time strength"),
    "value": _rule(required="expr"),
    "enumerate": _rule("", _SSML, text=True),
    "emphasis": _rule("level", _SSML, text=True),
    "mark": _rule("name nameexpr"),
    "lexicon": _rule("uri type"),
    "phoneme": _rule("alphabet", "", text=True, required="ph"),
    "prosody": _rule("rate pitch contour range duration volume", _SSML, text=True),
    "say-as": _rule("interpret-as format detail type", "value", text=True),
    "sub": _rule("", "", text=True, required="alias"),
    "voice": _rule("xml:lang gender age variant name category", _SSML, text=True),
    **dict.fromkeys(("p", "s", "paragraph", "sentence"), _rule("xml:lang", _SSML, text=True)),
    "foreach": _rule("", f"{_ACTIONS} {_SSML}", text=True, required="item array"),
    "if": _rule("", f"{_ACTIONS} elseif else", text=True, required="cond"),
    "elseif": _rule(required="cond"),
    "else": _rule(),
    "var": _rule("expr", required="name"),
    "assign": _rule(required="name expr"),
    "clear": _rule("namelist"),
    "goto": _rule(f"next expr nextitem expritem {_FETCH}"),
    "submit": _rule(f"next expr {_SEND}"),
    "data": _rule(f"src srcexpr name {_SEND}"),
    "script": _rule(f"src srcexpr charset {_FETCH}", text=True),
    "throw": _rule("event eventexpr message messageexpr"),
    "reprompt": _rule(),
    "return": _rule("namelist event eventexpr message messageexpr"),
    "log": _rule("label expr", "value", text=True),
    "disconnect": _rule("namelist"),
    "exit": _rule("expr namelist"),
    "grammar": _rule(
        f"src srcexpr mode version root scope weight type tag-format xml:lang xml:base {_FETCH}",
        "rule meta metadata lexicon tag",
        text=True,
    ),
    "rule": _rule("id scope", f"{_RULES_OF_GRAMMAR} example", text=True),
    "item": _rule("repeat repeat-prob weight xml:lang", _RULES_OF_GRAMMAR, text=True),
    "one-of": _rule("xml:lang", "item"),
    "ruleref": _rule("uri special type xml:lang"),
    "token": _rule("xml:lang", text=True),
    "tag": _rule("", text=True),
    "example": _rule("", text=True),
}

_INSTEAD = {
    "object": "It runs what only the platform that it was written for has. Ask a server with <data> instead.",
    "dtmf": 'It is VoiceXML 1.0. Write <grammar mode="dtmf">.',
    "sayas": 'It is VoiceXML 1.0. Write <say-as interpret-as="…">.',
    "div": "It is VoiceXML 1.0. Write <p> or <s>.",
    "emp": "It is VoiceXML 1.0. Write <emphasis>.",
    "pros": "It is VoiceXML 1.0. Write <prosody>.",
}


def how_to_mend(element: str) -> str:
    """The sentences that an author gets for an element that is not run."""
    if element == "object":
        return f"This element is not supported. {_INSTEAD[element]}"
    return f"This is no element of VoiceXML 2.1. {_INSTEAD.get(element, 'Remove it, or correct its name.')}"
