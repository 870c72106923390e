"""Reads what stands in attributes: times, key types and names."""

import re
from urllib.parse import parse_qsl

from calloff.voice.document import Boolean, Digits

SCOPES = ("session", "application", "document", "dialog")
"""The names under which expressions reach the scopes of variables (VoiceXML 2.0 section 5.1.2)."""

MAX_KEYS = 64
"""Longest number that can be keyed in."""
MAX_SECONDS = 600.0

_TIME = re.compile(r"\+?(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})(ms|s)", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_TARGET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*", re.ASCII)
_BREAK_STRENGTH = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 1.0, "x-strong": 1.5}
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        "arguments await break case catch class const continue debugger default delete do else enum eval export extends"
        " false finally for function if implements import in instanceof interface let new null package private"
        " protected public return static super switch this throw true try typeof undefined var void while with yield",
    )
)


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
        return seconds(time)
    if strength is None:
        return _BREAK_STRENGTH["medium"]
    if strength not in _BREAK_STRENGTH:
        raise ValueError(f"{strength[:40]!r} is no strength; write one of {', '.join(_BREAK_STRENGTH)}.")
    return _BREAK_STRENGTH[strength]


def answer_type(text: str) -> Digits | Boolean:
    """What a field with this `type` takes (VoiceXML 2.0 appendix P). Raises `ValueError`."""
    name, _, query = text.partition("?")
    parameters = dict(parse_qsl(query.replace(";", "&"), keep_blank_values=True))
    if name == "digits":
        return _digits(parameters)
    if name == "boolean":
        return _boolean(parameters)
    raise ValueError(f"The type {name[:40]!r} is not supported; write digits or boolean.")


def _digits(parameters: dict[str, str]) -> Digits:
    limits = {name: _keys(value) for name, value in parameters.items() if name in ("length", "minlength", "maxlength")}
    if limits.keys() != parameters.keys() or ("length" in limits and len(limits) > 1):
        raise ValueError("digits takes length, or minlength and maxlength, as in digits?minlength=2;maxlength=5.")
    minimum = limits.get("length", limits.get("minlength", 1))
    maximum = limits.get("length", limits.get("maxlength"))
    if maximum is not None and maximum < minimum:
        raise ValueError("maxlength is smaller than minlength; exchange them.")
    return Digits(minimum, maximum)


def _keys(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", value) or not 1 <= int(value) <= MAX_KEYS:
        raise ValueError(f"A length of digits is a whole number from 1 to {MAX_KEYS}.")
    return int(value)


def _boolean(parameters: dict[str, str]) -> Boolean:
    yes, no = parameters.get("y", "1"), parameters.get("n", "2")
    keys = re.compile(r"[0-9*#]")
    if not parameters.keys() <= {"y", "n"} or not keys.fullmatch(yes) or not keys.fullmatch(no) or yes == no:
        raise ValueError("boolean takes two different keys, as in boolean?y=1;n=2.")
    return Boolean(yes, no)


def is_variable_name(name: str) -> bool:
    """Whether a document may declare a variable of this name."""
    return _NAME.fullmatch(name) is not None and name not in _RESERVED and name not in SCOPES


def is_assignable(target: str) -> bool:
    """Whether `target` may stand in the name of `<assign>` or in a namelist: `x`, `document.x`, `order.items[0]`."""
    root = re.split(r"[.\[]", target, maxsplit=1)[0]
    if _TARGET.fullmatch(target) is None or target in SCOPES or root == "session":
        return False
    return not any(part in _RESERVED for part in re.split(r"[.\[\]]+", target))
