"""Phone numbers as callers write them: `tel:+16175551234;ani=8009957586;postd=2` (contract, `phone_number`)."""

import re
from dataclasses import dataclass, field, replace

from calloff.domain.errors import InvalidInput
from calloff.domain.numbers import DEFAULT_COUNTRY, Number, understand

_SEPARATORS = str.maketrans(
    "",
    "",
    "-.() "
    # What word processors, spreadsheets and address books write for a space or a hyphen, and marks that show nothing.
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
    "\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
    "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff",
)
_EXTENSION = re.compile(r"(?:extension|ext|x|#)\.?:?[0-9]{1,8}", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_DECIMAL = re.compile(r"\+?[0-9]+\.0+")
_DIGITS = re.compile(r"[0-9*#A-D,wp]+")
_MAX_DIGITS = 64
_SCHEME = re.compile(r"^tel:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom to call, from whom, and what to press after the answer."""

    phone_number: str
    """7 to 15 digits, with a leading `+` if the caller wrote one."""
    ani: str | None = None
    """The caller ID, in the same form; None for the deployment's default."""
    postd: str | None = None
    """DTMF to send after the answer: `0-9*#A-D`, and `,` `w` `p` for a pause."""
    number: Number | None = field(default=None, compare=False)
    """What the phone number means; None while nobody has asked."""

    def understood(self, country: str = DEFAULT_COUNTRY) -> Number:
        """What the phone number means to somebody in `country`. Raises `InvalidInput` for none that can exist."""
        return self.number or understand(self.phone_number, country)


def parse_destination(text: str, country: str = DEFAULT_COUNTRY) -> Destination:
    """The destination that `text` names to somebody in `country`.

    Raises `InvalidInput`, whose message does not repeat the number.
    """
    written = read_destination(text)
    return replace(written, number=understand(written.phone_number, country))


def read_destination(text: str) -> Destination:
    """The same for a number that may not exist: only its spelling is looked at."""
    if _NUMBER.fullmatch(text):
        return Destination(text)
    number, *parameters = _SCHEME.sub("", text.strip(" "), count=1).split(";")
    found: dict[str, str] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        name = name.strip(" ").lower()
        if name not in ("ani", "postd") or not equals:
            raise InvalidInput(
                "A phone number may only be followed by ;ani= and ;postd=. Remove the other parameters; write an "
                "extension as ;postd=,,12 (two seconds after the answer, 12 is dialed).",
                field="phone_number",
            )
        if name in found:
            raise InvalidInput(f"The phone number has ;{name}= twice. Leave one of them.", field=name)
        found[name] = value
    return Destination(
        phone_number=parse_number(number, "phone_number"),
        ani=parse_number(found["ani"], "ani") if found.get("ani", "").strip(" ") else None,
        postd=_parse_digits(found["postd"]) if found.get("postd", "").strip(" ") else None,
    )


def parse_number(text: str, field: str) -> str:
    """The digits of one number, without visual separators. Raises `InvalidInput` that names `field`.

    A number with a decimal point and nothing but zeros behind it is refused, although a point is a separator.
    """
    if _DECIMAL.fullmatch(text.strip(" ")):
        # Not a separator: the call would go to somebody whose number is this one and a zero.
        raise InvalidInput(
            f"{field} is a decimal number, as some programs write columns of numbers. Write it as text.", field=field
        )
    number = text.translate(_SEPARATORS)
    if not _NUMBER.fullmatch(number):
        if field == "phone_number" and _EXTENSION.search(number):
            raise InvalidInput(
                "phone_number has an extension. Write it behind the number as ;postd=,,12 (two seconds after the "
                "answer, 12 is dialed).",
                field=field,
            )
        raise InvalidInput(
            f"{field} is not a phone number. Write 7 to 15 digits, with an optional + in front.", field=field
        )
    return number


def mask(number: str) -> str:
    """The number as logs may show it: its last two digits."""
    return "*" * max(0, len(number) - 2) + number[-2:]


def _parse_digits(text: str) -> str:
    digits = text.strip(" ")
    if len(digits) > _MAX_DIGITS or not _DIGITS.fullmatch(digits):
        raise InvalidInput(
            f"postd holds something that cannot be sent as DTMF. Use up to {_MAX_DIGITS} of 0-9 * # A-D, "
            "and , w or p for a pause.",
            field="postd",
        )
    return digits
