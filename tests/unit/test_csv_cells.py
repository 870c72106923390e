"""What is escaped for spreadsheets reads back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from calloff.domain.csv_cells import escape_cell, unescape_cell


@given(st.text() | st.text(alphabet="=+-@\t\r'a", max_size=5))
def test_an_escaped_cell_reads_back(text: str) -> None:
    escaped = escape_cell(text)
    assert unescape_cell(escaped) == text
    assert not escaped.startswith(("=", "+", "-", "@", "\t", "\r"))
