"""The built-in grammars for keys and what they give (VoiceXML 2.0 appendix P)."""

import datetime
import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from calloff.voice.grammars import MAX_KEYS, Grammar, InOrder, Key, OneOf, Repeated, compile_grammar

_DIGIT = Key("0123456789")
NAMES = ("boolean", "currency", "date", "digits", "number", "phone", "time")


def builtin_grammar(text: str) -> tuple[str, Grammar]:
    """The name and the grammar of a type such as `digits?minlength=2;maxlength=5`. Raises `ValueError`."""
    name, _, query = text.strip().partition("?")
    parameters = dict(parse_qsl(query.strip(";").replace(";", "&"), keep_blank_values=True))
    make = _MAKERS.get(name)
    if make is None:
        raise ValueError(f"The type {name[:40]!r} is not known; write one of {', '.join(NAMES)}.")
    return name, make(parameters)


def _digits(parameters: dict[str, str]) -> Grammar:
    limits = {
        name: _length(value) for name, value in parameters.items() if name in ("length", "minlength", "maxlength")
    }
    if limits.keys() != parameters.keys() or ("length" in limits and len(limits) > 1):
        raise ValueError("digits takes length, or minlength and maxlength, as in digits?minlength=2;maxlength=5.")
    minimum = limits.get("length", limits.get("minlength", 1))
    maximum = limits.get("length", limits.get("maxlength", MAX_KEYS))
    if maximum < minimum:
        raise ValueError("maxlength is smaller than minlength; exchange them.")
    return compile_grammar(Repeated(_DIGIT, minimum, maximum), value=str)


def _length(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", value, re.ASCII) or not 1 <= int(value) <= MAX_KEYS:
        raise ValueError(f"A length of digits is a whole number from 1 to {MAX_KEYS}.")
    return int(value)


def _boolean(parameters: dict[str, str]) -> Grammar:
    yes, no = parameters.get("y", "1"), parameters.get("n", "2")
    key = re.compile(r"[0-9*#]")
    if not parameters.keys() <= {"y", "n"} or not key.fullmatch(yes) or not key.fullmatch(no) or yes == no:
        raise ValueError("boolean takes two different keys, as in boolean?y=1;n=2.")
    return compile_grammar(Key(yes + no), value=lambda keys: keys == yes)


def _number(parameters: dict[str, str]) -> Grammar:
    _no_parameters("number", parameters)
    return compile_grammar(_DECIMAL, value=lambda keys: keys.replace("*", "."))


def _currency(parameters: dict[str, str]) -> Grammar:
    _no_parameters("currency", parameters)
    return compile_grammar(_DECIMAL, value=lambda keys: keys.replace("*", "."))


def _phone(parameters: dict[str, str]) -> Grammar:
    _no_parameters("phone", parameters)
    extension = Repeated(InOrder((Key("*"), Repeated(_DIGIT, 1, 10))), 0, 1)
    return compile_grammar(InOrder((Repeated(_DIGIT, 1, 20), extension)), value=lambda keys: keys.replace("*", "x"))


def _date(parameters: dict[str, str]) -> Grammar:
    _no_parameters("date", parameters)

    def value(keys: str) -> str | None:
        try:
            datetime.datetime.strptime(keys, "%Y%m%d").replace(tzinfo=datetime.UTC)
        except ValueError:
            return None
        return keys

    return compile_grammar(Repeated(_DIGIT, 8, 8), value=value)


def _time(parameters: dict[str, str]) -> Grammar:
    _no_parameters("time", parameters)

    def value(keys: str) -> str | None:
        hour, minute = int(keys[:2]), int(keys[2:])
        if hour > 23 or minute > 59:
            return None
        # Keys cannot say whether 0730 is in the morning.
        return f"{keys}{'?' if 1 <= hour <= 12 else 'h'}"

    return compile_grammar(Repeated(_DIGIT, 4, 4), value=value)


def _no_parameters(name: str, parameters: dict[str, str]) -> None:
    if parameters:
        raise ValueError(f"{name} takes no parameters; remove what stands after the question mark.")


_DECIMAL = OneOf(
    (
        InOrder((Repeated(_DIGIT, 1, 20), Repeated(InOrder((Key("*"), Repeated(_DIGIT, 0, 10))), 0, 1))),
        InOrder((Key("*"), Repeated(_DIGIT, 1, 10))),
    )
)
_MAKERS: dict[str, Callable[[dict[str, str]], Grammar]] = {
    "boolean": _boolean,
    "currency": _currency,
    "date": _date,
    "digits": _digits,
    "number": _number,
    "phone": _phone,
    "time": _time,
}


def keys_grammar(text: str) -> Grammar:
    """A sequence of keys, as in the attribute `dtmf` of `<option>`, `<choice>` and `<link>`. Raises `ValueError`."""
    keys = "".join(text.split())
    if not keys or len(keys) > MAX_KEYS or not re.fullmatch(r"[0-9*#A-D]+", keys, re.ASCII):
        raise ValueError(f"{text[:40]!r} is no sequence of keys; write digits, * or #.")
    return compile_grammar(InOrder(tuple(Key(key) for key in keys)))
