"""Phone numbers as callers write them (contract, `phone_number`)."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calloff.domain.errors import InvalidInput
from calloff.domain.phone import Destination, mask, parse_destination, parse_number


@pytest.mark.parametrize(
    ("text", "destination"),
    [
        ("6175551234", Destination("6175551234")),
        ("tel:+16175551234", Destination("+16175551234")),
        ("TEL:+16175551234;ANI=8009957586;PostD=2A", Destination("+16175551234", ani="8009957586", postd="2A")),
        ("6175551234;ani=;postd= ", Destination("6175551234")),
        ("16175551234;ani=8009957586", Destination("16175551234", ani="8009957586")),
        ("16175551234;postd=2", Destination("16175551234", postd="2")),
        ("tel:+16175551234;ani=8009957586;postd=2", Destination("+16175551234", ani="8009957586", postd="2")),
        ("tel:+16175551234;postd=2;ani=+8009957586", Destination("+16175551234", ani="+8009957586", postd="2")),
        (" +1 (617) 555-12.34 ", Destination("+16175551234")),
        ("6175551234;ani=(800) 995-7586;postd=wp,0123456789*#ABCD", None),
        ("+49 (0)30 1234567", Destination("+490301234567")),
        ("\u202a617\u00a0555\u20131234\u202c", Destination("6175551234")),
    ],
)
def test_every_documented_form_is_understood(text: str, destination: Destination | None) -> None:
    expected = destination or Destination("6175551234", ani="8009957586", postd="wp,0123456789*#ABCD")
    assert parse_destination(text) == expected


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "phone_number"),
        ("tel:", "phone_number"),
        ("123456", "phone_number"),
        ("1234567", "phone_number"),
        ("123456789012345", "phone_number"),
        ("444123456", "phone_number"),
        ("+0016175551234", "phone_number"),
        ("617 555 1234 ext. 12", ";postd=,,12"),
        ("617 555 1234 x12", ";postd=,,12"),
        ("+16175551234;ext=12", ";postd=,,12"),
        ("1234567890123456", "phone_number"),
        ("+", "phone_number"),
        ("++16175551234", "phone_number"),
        ("1617+5551234", "phone_number"),
        ("1617555123x", "phone_number"),
        ("sip:16175551234", "phone_number"),
        ("tel:tel:16175551234", "phone_number"),
        ("16175551234\x00", "phone_number"),
        ("1617555\r\n1234", "phone_number"),
        ("١٦١٧٥٥٥١٢٣٤", "phone_number"),
        ("１６１７５５５１２３４", "phone_number"),
        ("16175551234,6175551235", "phone_number"),
        ("16175551234.0", "phone_number"),
        ("+16175551234.00", "phone_number"),
        ("16175551234;ani=8009957586.0", "ani"),
        ("16175551234;ani=anonymous", "ani"),
        ("16175551234;ani=٨٠٠٩٩٥٧٥٨٦", "ani"),
        ("16175551234;postd=2x", "postd"),
        ("16175551234;postd=a", "postd"),
        ("16175551234;postd=" + "2" * 65, "postd"),
        ("16175551234;ani", "parameters"),
        ("16175551234;", "parameters"),
        ("16175551234;phone-context=+1", "parameters"),
        ("16175551234;ani=8009957586;ani=8009957587", "twice"),
    ],
)
def test_what_is_no_destination_is_refused_by_the_name_of_its_part(text: str, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        parse_destination(text)


@given(st.text(alphabet="0123456789+-.() ;=,#*ABCDwpxanipostdtel:\x00é٣", max_size=60))
def test_what_comes_out_is_always_fit_to_be_dialed(text: str) -> None:
    try:
        found = parse_destination(text)
    except InvalidInput:
        return
    for number in (found.phone_number, found.ani):
        assert number is None or re.fullmatch(r"\+?[0-9]{7,15}", number, re.ASCII)
    assert found.postd is None or re.fullmatch(r"[0-9*#A-D,wp]{1,64}", found.postd)


@pytest.mark.parametrize(
    "text", ["61755512345678901", "6175551234;ani=61755512345678901", "6175551234;postd=6175551234x"]
)
def test_no_message_repeats_a_number(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_destination(text)
    assert "617555" not in refused.value.message


@given(
    st.from_regex(r"\+?[0-9]{7,15}", fullmatch=True).filter(str.isascii),
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from("-.() ")), max_size=8),
)
def test_separators_never_change_a_number(number: str, separators: list[tuple[int, str]]) -> None:
    written = number
    for place, separator in separators:
        written = written[:place] + separator + written[place:]
    assume(re.fullmatch(r"\+?[0-9]+\.0+", written.strip(" ")) is None)
    assert parse_number(written, "phone_number") == number


@given(st.text(alphabet="0123456789+", min_size=3, max_size=16))
def test_a_masked_number_shows_its_last_two_digits_and_its_length(number: str) -> None:
    assert mask(number) == "*" * (len(number) - 2) + number[-2:]
