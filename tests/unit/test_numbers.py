"""What phone numbers are: whose country, of which kind, on whose clock."""

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloff.domain.errors import InvalidInput
from calloff.domain.numbers import Number, NumberKind, understand, zones_of


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("6175551234", "US", Number(16175551234, "US", NumberKind.FIXED_OR_MOBILE)),
        ("16175551234", "US", Number(16175551234, "US", NumberKind.FIXED_OR_MOBILE)),
        ("+16175551234", "DE", Number(16175551234, "US", NumberKind.FIXED_OR_MOBILE)),
        ("4165551234", "US", Number(14165551234, "CA", NumberKind.FIXED_OR_MOBILE)),
        ("8005551234", "US", Number(18005551234, "US", NumberKind.TOLL_FREE)),
        ("+490301234567", "US", Number(49301234567, "DE", NumberKind.FIXED)),
        ("0301234567", "DE", Number(49301234567, "DE", NumberKind.FIXED)),
        ("01701234567", "DE", Number(491701234567, "DE", NumberKind.MOBILE)),
        ("011493012345678", "US", Number(493012345678, "DE", NumberKind.FIXED)),
        ("+390612345678", "US", Number(390612345678, "IT", NumberKind.FIXED)),
        ("+19005551234", "US", Number(19005551234, "US", NumberKind.PREMIUM)),
        ("+881612345678", "US", Number(881612345678, None, NumberKind.SATELLITE)),
        ("+16170000777", "US", Number(16170000777, None, NumberKind.UNASSIGNED)),
    ],
)
def test_a_number_is_read_where_its_caller_is(text: str, country: str, number: Number) -> None:
    assert understand(text, country) == number


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+0016175551234", "US"),
        ("444123456", "US"),
        ("5551234", "US"),
        ("0123456789", "US"),
        ("442079460958", "US"),
        ("+4912", "US"),
        ("+999123456789", "US"),
        ("9111234567", "US"),
        ("+19115551234", "DE"),
    ],
)
def test_what_cannot_be_a_number_is_refused_without_repeating_it(text: str, country: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        understand(text, country)
    assert refused.value.field == "phone_number"
    assert text.removeprefix("+") not in refused.value.message


@given(st.integers(2_000_000_000, 9_999_999_999))
def test_the_short_way_of_north_america_says_what_the_tables_say(national: int) -> None:
    parsed = phonenumbers.parse(str(national), "US")
    try:
        number = understand(str(national), "US")
    except InvalidInput:
        assert not phonenumbers.is_valid_number(parsed)
        return
    assert number.e164 == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    assert (number.kind is NumberKind.UNASSIGNED) == (not phonenumbers.is_valid_number(parsed))
    assert number.country == phonenumbers.region_code_for_number(parsed)


def test_the_last_four_digits_of_a_north_american_number_say_nothing() -> None:
    chosen = random.Random(13)
    for _ in range(300):
        stem = chosen.randrange(200_000, 1_000_000) * 10_000
        first, second = (phonenumbers.parse(str(stem + chosen.randrange(10_000)), "US") for _ in range(2))
        assert phonenumbers.number_type(first) == phonenumbers.number_type(second)
        assert phonenumbers.region_code_for_number(first) == phonenumbers.region_code_for_number(second)


def test_a_number_says_on_whose_clock_it_lies() -> None:
    assert zones_of(16175551234) == ("America/New_York",)
    assert zones_of(49301234567) == ("Europe/Berlin",)
    assert "Pacific/Honolulu" in zones_of(18005551234)
    assert zones_of(881612345678) == ()
