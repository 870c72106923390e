"""What keys mean by the tags of their grammar (Semantic Interpretation for Speech Recognition 1.0)."""

import json
import re

from calloff.voice.grammars import Matching, Step


def meaning(match: Matching) -> tuple[str | None, object]:
    """What a complete match means: the ECMAScript that computes it, or None and the value itself."""
    if match.grammar.value is not None:
        return None, match.grammar.value(match.keys)
    steps = match.steps
    if match.grammar.literals:
        return None, _literal(steps, match.keys)
    return _program(steps), None


def _literal(steps: list[Step], keys: str) -> str:
    """The last literal on the way, else the keys (SISR 1.0 section 5)."""
    tags = [text for kind, text in steps if kind == "tag"]
    return tags[-1] if tags else keys


def _program(steps: list[Step]) -> str:
    """One function a rule: its tags see `out`, `rules`, `meta` and the keys that it has matched so far.

    A rule without tags has the value of the last rule that it refers to, else its keys (SISR 1.0 section 6).
    """
    lines = ["const whole = {out: undefined, text: '', tagged: false, latest: undefined, rules: {}};"]
    lines.append("const open = [whole];")
    for kind, text in steps:
        if kind == "key":
            lines.append(f"for (const rule of open) rule.text += {json.dumps(text)};")
        elif kind == "enter":
            lines.append("open.push({out: {}, text: '', tagged: false, latest: undefined, rules: {}});")
        elif kind == "leave":
            lines.append(
                "{const rule = open.pop(); const above = open[open.length - 1];"
                "const value = rule.tagged ? rule.out : rule.latest === undefined ? rule.text : rule.latest;"
                f"above.rules[{json.dumps(text)}] = value; above.latest = value;}}"
            )
        else:
            lines.append(_tag(text))
    lines.append("return whole.latest === undefined ? whole.text : whole.latest;")
    return "\n".join(lines)


def _tag(source: str) -> str:
    source = re.sub(r"(?<![\w$])\$\.", "out.", source)
    source = re.sub(r"(?<![\w$])\$(?=\s*=[^=])", "out", source)
    return (
        "{const rule = open[open.length - 1]; rule.tagged = true;"
        "rule.out = (function (out, rules, meta) {"
        f"rules.latest = () => rule.latest;\n{source}\n;return out;}})"
        "(rule.out, rule.rules, {current: () => ({text: rule.text}), latest: () => ({text: rule.text})});}"
    )
