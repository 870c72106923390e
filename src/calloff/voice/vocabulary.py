"""Which elements and attributes an application may use, and what to do instead of those that it may not."""

from dataclasses import dataclass

NAMESPACE = "http://www.w3.org/2001/vxml"
SCHEMA_HINT = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


@dataclass(frozen=True, slots=True)
class Rule:
    """What may stand in an element."""

    attributes: frozenset[str]
    children: frozenset[str]
    text: bool = False
    required: frozenset[str] = frozenset()


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SPOKEN = _names("audio value")
_ACTIONS = _SPOKEN | _names("prompt if var assign goto log disconnect exit")

RULES: dict[str, Rule] = {
    "vxml": Rule(_names("version xml:lang"), _names("form var noinput nomatch"), required=_names("version")),
    "form": Rule(_names("id"), _names("block field var noinput nomatch")),
    "block": Rule(_names("name expr cond"), _ACTIONS, text=True),
    "field": Rule(
        _names("name type expr cond"),
        _SPOKEN | _names("prompt noinput nomatch filled"),
        text=True,
        required=_names("type"),
    ),
    "noinput": Rule(_names("count cond"), _ACTIONS, text=True),
    "nomatch": Rule(_names("count cond"), _ACTIONS, text=True),
    "filled": Rule(frozenset(), _ACTIONS, text=True),
    "prompt": Rule(_names("bargein count cond timeout xml:lang"), _SPOKEN | {"break"}, text=True),
    "audio": Rule(_names("src"), _SPOKEN | {"break"}, text=True, required=_names("src")),
    "break": Rule(_names("time strength"), frozenset()),
    "value": Rule(_names("expr"), frozenset(), required=_names("expr")),
    "if": Rule(_names("cond"), _ACTIONS | _names("elseif else"), text=True, required=_names("cond")),
    "elseif": Rule(_names("cond"), frozenset(), required=_names("cond")),
    "else": Rule(frozenset(), frozenset()),
    "var": Rule(_names("name expr"), frozenset(), required=_names("name")),
    "assign": Rule(_names("name expr"), frozenset(), required=_names("name expr")),
    "goto": Rule(_names("next nextitem"), frozenset()),
    "log": Rule(_names("label expr"), _names("value"), text=True),
    "disconnect": Rule(_names("namelist"), frozenset()),
    "exit": Rule(_names("expr namelist"), frozenset()),
}

_INSTEAD = {
    "catch": "Handle <noinput> and <nomatch>; other events end the call.",
    "choice": 'Ask with a <field type="digits?length=1"> and go on with <if> and <goto>.',
    "clear": "Go to the form again with <goto>, which empties its fields.",
    "error": "An error ends the call and is shown in its details.",
    "grammar": 'Give the <field> a type, "digits" or "boolean".',
    "help": "Answer a key of your choice with <if> in <filled>.",
    "initial": 'Ask for one thing at a time with <field type="digits"> or <field type="boolean">.',
    "menu": 'Ask with a <field type="digits?length=1"> and go on with <if> and <goto>.',
    "meta": "It changes nothing in the call.",
    "metadata": "It changes nothing in the call.",
    "option": 'Ask with a <field type="digits?length=1">.',
    "property": 'Set the waiting time with the attribute timeout of <prompt>, such as timeout="5s".',
    "reprompt": "Put the question into <noinput> or <nomatch> itself.",
    "return": "Use <goto> or <exit>.",
    "script": "Calculate in the expr of <var> and <assign>.",
    "subdialog": 'Use <goto next="#form">.',
    "submit": "Let the document end: what the fields collected is in the call's details and its callback.",
    "throw": "Use <goto> or <exit>.",
}
_OTHER_VOICEXML = _names(
    "catch choice clear data desc enumerate error example foreach grammar help initial item lexicon link mark menu meta"
    " metadata object one-of option paragraph param phoneme property prosody record reprompt return rule ruleref"
    " say-as script sentence sub subdialog submit tag throw token transfer voice emphasis p s"
)


def how_to_mend(element: str) -> str:
    """The sentences that an author gets for an element that is not run."""
    if element in _OTHER_VOICEXML:
        return f"This element is not supported. {_INSTEAD.get(element, 'Remove it.')}"
    return "This is no element of VoiceXML 2.1. Remove it, or correct its name."
