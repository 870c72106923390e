"""What a phone number is: whose country, of which kind, on whose clock (ITU-T E.164).

The answers come from `phonenumbers`, whose tables are those of Google's libphonenumber. Nothing here knows a rule: what
may be dialed is decided at the start of each call.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberType, ValidationResult
from phonenumbers import timezone as number_zones
from phonenumbers.shortnumberinfo import connects_to_emergency_number

from calloff.domain.errors import InvalidInput

DEFAULT_COUNTRY = "US"
"""In which numbers without a country code are read, unless an account says otherwise."""
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""The countries that have numbers, as ISO 3166-1 alpha-2."""
_SHARED_PLAN = frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1])
"""The countries of the North American numbering plan."""
_NORTH_AMERICAN = re.compile(r"(?:\+?1)?([2-9][0-9]{9})", re.ASCII)
_SATELLITE_CODES = frozenset({870, 881, 882, 883})
_FREE_DIGITS = 10**4
"""In the North American plan, the last four digits say nothing about kind or place."""


class NumberKind(StrEnum):
    """What answers at a number, and who pays for it."""

    FIXED = "fixed"
    MOBILE = "mobile"
    FIXED_OR_MOBILE = "fixed_or_mobile"
    """Where the two cannot be told apart, as in North America."""
    TOLL_FREE = "toll_free"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    UNASSIGNED = "unassigned"
    """A number of the right length in a range that nobody has been given."""


_KINDS = {
    PhoneNumberType.FIXED_LINE: NumberKind.FIXED,
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.FIXED_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.VOIP: NumberKind.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
    PhoneNumberType.PAGER: NumberKind.PAGER,
    PhoneNumberType.UAN: NumberKind.COMPANY,
    PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is understood."""

    digits: int
    """Country code and national number, without the `+`: a leading zero cannot be."""
    country: str | None
    """ISO 3166-1 alpha-2; None for what is no country's, and for ranges that nobody has."""
    kind: NumberKind

    @property
    def zones(self) -> tuple[str, ...]:
        """The time zones (of the IANA's database) in which it can lie; empty if nobody knows any."""
        return zones_of(self.digits)

    @property
    def e164(self) -> str:
        """As every network understands it: `+16175551234`."""
        return f"+{self.digits}"


def understand(text: str, country: str = DEFAULT_COUNTRY, field: str = "phone_number") -> Number:
    """What `text` (an optional `+` and digits) means to somebody in `country`.

    Raises `InvalidInput` that names `field` for what cannot be a number there, and for emergency and short numbers.
    """
    usual = _NORTH_AMERICAN.fullmatch(text) if country in _SHARED_PLAN else None
    digits = _parse(text, country, field) if usual is None else int("1" + usual.group(1))
    kind, region, emergency = _describe(digits)
    if emergency:
        raise InvalidInput(f"{field} leads to an emergency service. Those are never called by a program.", field=field)
    return Number(digits, region, kind)


def zones_of(digits: int) -> tuple[str, ...]:
    """The time zones (of the IANA's database) in which the number can lie; empty if nobody knows any."""
    return _zones(digits - digits % _FREE_DIGITS if _is_north_american(digits) else digits)


def _parse(text: str, country: str, field: str) -> int:
    try:
        found = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise _no_such_number(text, country, field) from None
    if phonenumbers.is_possible_number_with_reason(found) != ValidationResult.IS_POSSIBLE or not _fits_the_plan(found):
        raise _no_such_number(text, country, field)
    return int(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)[1:])


def _fits_the_plan(found: PhoneNumber) -> bool:
    code = found.country_code or 0
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, phonenumbers.region_code_for_country_code(code))
    pattern = metadata.general_desc.national_number_pattern if metadata and metadata.general_desc else None
    return pattern is None or re.fullmatch(pattern, phonenumbers.national_significant_number(found)) is not None


def _no_such_number(text: str, country: str, field: str) -> InvalidInput:
    if text.startswith("+"):
        return InvalidInput(
            f"{field} cannot exist: no number of that country looks so. Check its country code and its digits.",
            field=field,
        )
    return InvalidInput(
        f"{field} cannot exist in {country}, where numbers without a country code are read. Check whether a digit is "
        "missing, or write it with + and the country code.",
        field=field,
    )


def _is_north_american(digits: int) -> bool:
    return 10**10 <= digits < 2 * 10**10


def _describe(digits: int) -> tuple[NumberKind, str | None, bool]:
    return _described(digits - digits % _FREE_DIGITS if _is_north_american(digits) else digits)


@lru_cache(maxsize=65536)
def _described(digits: int) -> tuple[NumberKind, str | None, bool]:
    """Kind, country, and whether it leads to an emergency service."""
    found = phonenumbers.parse(f"+{digits}")
    region = phonenumbers.region_code_for_number(found)
    kind = _KINDS.get(phonenumbers.number_type(found), NumberKind.UNASSIGNED)
    if kind is NumberKind.UNASSIGNED:
        home = phonenumbers.region_code_for_country_code(found.country_code or 0)
        national = phonenumbers.national_significant_number(found)
        return kind, region, connects_to_emergency_number(national, home)
    if found.country_code in _SATELLITE_CODES:
        kind = NumberKind.SATELLITE
    return kind, region if region is not None and len(region) == 2 and region.isalpha() else None, False


@lru_cache(maxsize=65536)
def _zones(digits: int) -> tuple[str, ...]:
    found = number_zones.time_zones_for_number(phonenumbers.parse(f"+{digits}"))
    return tuple(zone for zone in found if zone != number_zones.UNKNOWN_TIMEZONE)
