"""Every error has a code that the table knows, and the table has none that nobody gives."""

import re
from pathlib import Path

import pytest

from calloff.domain.codes import Code, Said
from calloff.domain.errors import CalloffError, InvalidInput, NotFound

SOURCES = Path(__file__).parents[2] / "src" / "calloff"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("No."), Code.INVALID),
        (InvalidInput("No.", field="phone_number"), Code.PHONE_NUMBER_INVALID),
        (InvalidInput("No.", field="a column of the caller's"), Code.INVALID),
        (InvalidInput("No.", field="phone_number", code=Code.PHONE_NUMBER_MISSING), Code.PHONE_NUMBER_MISSING),
        (NotFound(Said(Code.CALL_NOT_FOUND, "No such call.")), Code.CALL_NOT_FOUND),
    ],
)
def test_the_most_exact_code_is_taken(error: CalloffError, code: Code) -> None:
    assert error.code is code


def test_a_code_is_a_name_and_its_meaning_a_sentence() -> None:
    for code in Code:
        assert code == code.name.lower()
        assert re.fullmatch(r"[^\n|]+\.", code.meaning), code


def test_every_code_is_given_by_somebody() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py") if path.name != "codes.py")
    named = set(re.findall(r"\bCode\.([A-Z_]+)\b", text))
    fields = {f"{name}_invalid".upper() for name in re.findall(r'"([a-z_]+)"', text)}
    assert {code.name for code in Code} <= named | fields
