"""Reads what stands in attributes: times and names."""

import json
import re

SCOPES = ("session", "application", "document", "dialog")
"""The names under which expressions reach the scopes of variables (VoiceXML 2.0 section 5.1.2)."""

MAX_SECONDS = 86_400.0
_MAX_BREAK = 60.0

_TIME = re.compile(r"\+?(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})(ms|s)", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_TARGET = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*|\[\d+\])*", re.ASCII)
_BREAK_STRENGTH = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 1.0, "x-strong": 1.5}
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        "arguments await break case catch class const continue debugger default delete do else enum eval export extends"
        " false finally for function if implements import in instanceof interface let new null package private"
        " protected public return static super switch this throw true try typeof undefined var void while with yield",
    )
)


def words(text: str) -> frozenset[str]:
    """The words in a text."""
    return frozenset(text.split())


def seconds(text: str) -> float:
    """The seconds of a time designation such as `500ms` or `1.5s` (CSS2 section 4.3.2). Raises `ValueError`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no time; write it like 500ms or 1.5s.")
    value = float(match[1]) / (1000 if match[2] == "ms" else 1)
    if value > MAX_SECONDS:
        raise ValueError(f"{text[:40]!r} is too long; {MAX_SECONDS:.0f}s is the most.")
    return value


def break_seconds(time: str | None, strength: str | None) -> float:
    """How long a `<break>` lasts (SSML 1.0 section 3.2.3); `time` wins. Raises `ValueError`."""
    if time is not None:
        return min(seconds(time), _MAX_BREAK)
    if strength is None:
        return _BREAK_STRENGTH["medium"]
    if strength not in _BREAK_STRENGTH:
        raise ValueError(f"{strength[:40]!r} is no strength; write one of {', '.join(_BREAK_STRENGTH)}.")
    return _BREAK_STRENGTH[strength]


def whole_seconds(text: str) -> float:
    """Like `seconds`, and also a bare number, which older documents write for seconds. Raises `ValueError`."""
    return float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text, re.ASCII) else seconds(text)


def is_variable_name(name: str) -> bool:
    """Whether a document may declare a variable of this name."""
    return _NAME.fullmatch(name) is not None and name not in _RESERVED and name not in SCOPES


def is_assignable(target: str) -> bool:
    """Whether `target` may stand in the name of `<assign>` or in a namelist: `x`, `document.x`, `order.items[0]`."""
    root = re.split(r"[.\[]", target, maxsplit=1)[0]
    if _TARGET.fullmatch(target) is None or target in SCOPES or root == "session":
        return False
    return not any(part in _RESERVED for part in re.split(r"[.\[\]]+", target))


def is_event(name: str) -> bool:
    """Whether an event may have this name: words with dots between them."""
    return re.fullmatch(r"[\w-]{1,60}(\.[\w-]{1,60}){0,9}", name) is not None


def literal(text: str) -> str:
    """A string as ECMAScript source."""
    return json.dumps(text)
