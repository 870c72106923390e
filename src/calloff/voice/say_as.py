"""Writes values out as a voice should read them (`<say-as>`, and the built-in types of VoiceXML 2.0 appendix P)."""

import datetime
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency

from calloff.voice.content import SayAs

_DATES = {"mdy": "%m%d%Y", "dmy": "%d%m%Y", "ymd": "%Y%m%d", "md": "%m%d", "dm": "%d%m", "ym": "%Y%m", "my": "%m%Y"}
_CLOCK = r"(?:.*[t ])?(\d{1,2}):?(\d{2})(?::\d{2})?\s*([aph?]?)m?(?:z|[+-]\d\d:?\d\d)?"


def say_as(text: str, as_: SayAs, language: str) -> str:
    """`text` as words of `language`; as it is where it is nothing of that kind."""
    write = _WRITERS.get(as_.kind)
    if write is None:
        return text
    try:
        return write(text.strip(), as_.format, _locale(language))
    except (ValueError, InvalidOperation):
        return text


def _locale(language: str) -> Locale:
    for name in (language, language.partition("-")[0]):
        try:
            return Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en", "US")


def _date(text: str, form: str, locale: Locale) -> str:
    return format_date(_read_date(text, form), format="long", locale=locale)


def _read_date(text: str, form: str) -> datetime.date:
    """A date as ISO 8601 (the time after it is left out), as `20261231`, or as `form` orders day, month and year."""
    plain = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})([T ].*)?", text)
    if plain is not None:
        return datetime.date(int(plain[1]), int(plain[2]), int(plain[3]))
    order = form.lower() if form.lower() in _DATES else "ymd"
    if re.fullmatch(r"\d{8}", text):
        return datetime.datetime.strptime(text, _DATES[order]).replace(tzinfo=datetime.UTC).date()
    parts = dict(zip(order, re.split(r"\D+", text), strict=True))
    return datetime.date(int(parts["y"]), int(parts["m"]), int(parts["d"]))


def _time(text: str, _form: str, locale: Locale) -> str:
    match = re.fullmatch(_CLOCK, text.lower())
    if match is None:
        raise ValueError(text)
    hour = int(match[1])
    if match[3] in ("a", "p"):
        hour = hour % 12 + (12 if match[3] == "p" else 0)
    return format_time(datetime.time(hour, int(match[2])), format="short", locale=locale).replace("\u202f", " ")


def _currency(text: str, form: str, locale: Locale) -> str:
    match = re.fullmatch(r"([A-Za-z]{3})?\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]{3})?", text)
    if match is None:
        raise ValueError(text)
    code = (match[1] or match[3] or form or _DEFAULT_CURRENCY.get(locale.territory or "", "")).upper()
    amount = Decimal(match[2])
    if len(code) != 3:
        return text
    whole = amount == amount.to_integral_value()
    return format_currency(
        int(amount) if whole else amount, code, locale=locale, format_type="name", currency_digits=not whole
    )


_DEFAULT_CURRENCY = {"US": "USD", "GB": "GBP", "CA": "CAD", "AU": "AUD", "IN": "INR", "JP": "JPY", "CH": "CHF"} | (
    dict.fromkeys(["DE", "AT", "FR", "ES", "IT", "NL", "BE", "IE", "PT", "FI", "GR", "LU"], "EUR")
)


def _one_by_one(text: str, _form: str, _locale: Locale) -> str:
    """Each letter and digit for itself."""
    return ", ".join(character for character in text if not character.isspace())


def _telephone(text: str, _form: str, _locale: Locale) -> str:
    """Digit by digit, with a pause between groups."""
    number, _, extension = re.sub(r"[^\d+x]+", " ", text.lower().replace("ext", "x")).strip().partition("x")
    groups = [" ".join(group) for group in number.split()]
    if len(groups) == 1:
        digits = number.strip()
        head, tail = digits[: max(len(digits) - 7, 0)], digits[-7:]
        groups = [" ".join(part) for part in (*re.findall(r"\+|.{1,3}", head), tail[:3], tail[3:]) if part]
    return ", ".join(groups) + (f", x, {' '.join(extension.strip())}" if extension.strip() else "")


def _number(text: str, form: str, locale: Locale) -> str:
    return _one_by_one(text, form, locale) if form in ("digits", "telephone") else text


def _boolean(text: str, _form: str, locale: Locale) -> str:
    yes, no = _YES_AND_NO.get(locale.language, _YES_AND_NO["en"])
    return yes if text == "true" else no if text == "false" else text


_YES_AND_NO = {
    "en": ("yes", "no"),
    "de": ("ja", "nein"),
    "fr": ("oui", "non"),
    "es": ("sí", "no"),
    "it": ("sì", "no"),
    "pt": ("sim", "não"),
    "nl": ("ja", "nee"),
    "pl": ("tak", "nie"),
    "sv": ("ja", "nej"),
    "da": ("ja", "nej"),
    "cs": ("ano", "ne"),
    "tr": ("evet", "hayır"),  # noqa: RUF001
}

_WRITERS: dict[str, Callable[[str, str, Locale], str]] = {
    "date": _date,
    "time": _time,
    "currency": _currency,
    "money": _currency,
    "digits": _one_by_one,
    "characters": _one_by_one,
    "spell-out": _one_by_one,
    "letters": _one_by_one,
    "phone": _telephone,
    "telephone": _telephone,
    "number": _number,
    "boolean": _boolean,
}
