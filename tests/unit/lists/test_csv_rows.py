"""The list of a bulk upload, however it is cut into chunks and whatever is wrong with it."""

import csv
import io
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloff.domain.errors import InvalidInput
from calloff.lists import csv_rows
from calloff.lists.bulk import RejectedRow, StagedRow
from calloff.lists.csv_records import MAX_RECORD, Records
from calloff.lists.csv_rows import CsvRows

_TEXT = st.text(alphabet='a1",;\t\r\n ', max_size=40)
_CUTS = st.lists(st.integers(0, 60), max_size=8)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def _read(*chunks: bytes) -> list[StagedRow | RejectedRow]:
    rows = CsvRows()
    return [row for chunk in chunks for row in rows.feed(chunk)] + rows.finish()


def _staged(data: bytes, destination_column: str | None = None) -> list[StagedRow]:
    """The rows of a list that has no bad ones, however it is cut."""
    cut = CsvRows(destination_column)
    found = [row for place in range(len(data)) for row in cut.feed(data[place : place + 1])] + cut.finish()
    whole = CsvRows(destination_column)
    assert whole.feed(data) + whole.finish() == found
    staged = [row for row in found if isinstance(row, StagedRow)]
    assert len(staged) == len(found), found
    return staged


def _outcome(*chunks: bytes) -> object:
    try:
        return _read(*chunks)
    except InvalidInput as error:
        return error.message


@given(_TEXT, _CUTS)
def test_a_cut_anywhere_changes_nothing(text: str, cuts: list[int]) -> None:
    data = b"destination,a\r\n6175551234,x\n" + text.encode()
    assert _outcome(*_cut(data, cuts)) == _outcome(data)


@given(st.binary(max_size=60), _CUTS)
def test_no_bytes_break_it(data: bytes, cuts: list[int]) -> None:
    assert _outcome(*_cut(data, cuts)) == _outcome(data)


@given(_TEXT, _CUTS)
def test_records_are_those_of_the_csv_module(text: str, cuts: list[int]) -> None:
    records = Records()
    chunks = _cut(b"h,e\n" + text.encode(), cuts)
    found = [record for chunk in chunks for record in records.feed(chunk)] + list(records.finish())
    cells = [next(csv.reader((record.decode(),)), []) for _, record, problem in found if problem is None]
    expected = list(csv.reader(io.StringIO("h,e\n" + text, newline="")))
    if found[-1][2] is not None:
        # The csv module takes a cell that is never closed for a cell; here it is an error.
        expected.pop()
    assert cells == expected


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_people_send(ending: str, delimiter: str, mark: str) -> None:
    lines = [[], ["name", "Destination"], ['"A ""b"""', "617-555-1234"], [], [f'"x{delimiter}y"', "6175551235"]]
    data = (mark + ending.join(delimiter.join(line) for line in lines)).encode()
    rows = _read(*(data[place : place + 1] for place in range(len(data))))
    assert [(row.line, row.variables) for row in rows if isinstance(row, StagedRow)] == [
        (3, {"name": 'A "b"'}),
        (5, {"name": f"x{delimiter}y"}),
    ]


def test_a_stray_quote_takes_no_other_row_with_it() -> None:
    first, second = _read(b'destination,pipe\n6175551234,5" wide\n6175551235,x\n')
    assert isinstance(first, StagedRow)
    assert first.variables == {"pipe": '5" wide'}
    assert isinstance(second, StagedRow)


def test_a_quote_that_is_never_closed_is_no_variable() -> None:
    (row,) = _read(b'destination,a\n6175551234,"x\n6175551235,y\n')
    assert isinstance(row, RejectedRow)
    assert (row.line, row.error) == (2, "The row's last quote is never closed. Check its quotes.")


def test_a_row_of_ten_megabytes_is_rejected_and_the_next_is_read() -> None:
    chunks = [b"destination\n", *[b"x" * 65536] * 160, b"\n6175551234\n"]
    rejected, staged = _read(*chunks)
    assert isinstance(rejected, RejectedRow)
    assert rejected.line == 2
    assert len(rejected.value) <= 100
    assert isinstance(staged, StagedRow)
    assert staged.line == 3


def test_a_quote_bomb_costs_no_more_than_its_bytes() -> None:
    started = time.process_time()
    rows = _outcome(b"destination\n", *[b'"' + b"\n" * (MAX_RECORD - 1)] * 32)
    assert time.process_time() - started < 8
    assert isinstance(rows, list)
    assert all(isinstance(row, RejectedRow) for row in rows)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The list is empty."),
        (b"\n\r\n\n", "The list is empty."),
        (b"name\nx\n", "The list has no destination column."),
        (b"destination,destination\n1,2\n", "The list has a column twice."),
        (b"destination,phone_number\n1,2\n", "The list has a column twice."),
        (b"6175551234,Ann\n", "The list has several columns and no header."),
        (
            b"Mobile Phone,Home Phone\n1,2\n",
            "Several columns may hold the number to call: 'Mobile Phone', 'Home Phone'.",
        ),
        (b"destination,a\0\n", "The list holds a NUL"),
        (b"destination," + b"x" * 10_000 + b"\n", "The list's header is too long."),
        (",".join(["destination", *map(str, range(200))]).encode(), "The list has more than 100 columns."),
        (b"d" * 100_000 + b"\n6175551234\n", "The list has no header that can be read."),
    ],
)
def test_a_list_that_cannot_be_read(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _read(*(data[place : place + 65536] for place in range(0, len(data), 65536)))
    assert caught.value.message.startswith(message)


def test_a_list_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_LINES", 100)
    monkeypatch.setattr(csv_rows, "MAX_REJECTED", 50)
    assert len(_read(b"destination\n" + b"x\n" * 50)) == 50
    with pytest.raises(InvalidInput, match="More than 50 rows"):
        _read(b"destination\n" + b"x\n" * 51)
    with pytest.raises(InvalidInput, match="more than 100 lines"):
        _read(b"destination\n" + b"\n" * 100 + b"6175551234\n")


def test_only_a_header_is_a_list_without_rows() -> None:
    assert _read(b"destination,name\r\n") == []


def test_bad_rows_say_why() -> None:
    rows = _read(b"destination,a\n+1\n6175551234,x\0\n6175551234,\xc3\xa4\xc3\xb6\xff\n6175551234,1,2\n")
    assert [(row.line, row.error[:12]) for row in rows if isinstance(row, RejectedRow)] == [
        (2, "phone_number"),
        (3, "The row hold"),
        (4, "The row is n"),
        (5, "The row has "),
    ]


def test_names_cannot_be_blown_up_by_short_rows() -> None:
    header = ",".join(["destination", *("x" * 75 + str(n) for n in range(99))]).encode()
    rows = CsvRows()
    rows.feed(header + b"\n")
    for _ in range(130):
        rows.feed(b"6175551234\n" * 1000)
    with pytest.raises(InvalidInput, match="names are too long"):
        rows.feed(b"6175551234\n" * 10_000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encodings_that_spreadsheets_save_in(encoding: str) -> None:
    data = "destination;name\r\n6175551234;J\u00fcrgen \u20ac\r\n6175551235;Zo\u00e9\r\n".encode(encoding)
    assert [row.variables["name"] for row in _staged(data)] == ["J\u00fcrgen \u20ac", "Zo\u00e9"]


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_the_marks_of_utf_16_in_either_order(mark: bytes, encoding: str) -> None:
    (row,) = _staged(mark + "destination\tname\n6175551234\t\u4e2d\n".encode(encoding))
    assert row.variables == {"name": "\u4e2d"}


def test_utf_8_with_a_stray_byte_stays_utf_8() -> None:
    good, bad = _read("destination,a\n6175551234,\u00e4\u00f6\u00fc\n6175551235,".encode() + b"\xe4\n")
    assert isinstance(good, StagedRow)
    assert good.variables == {"a": "\u00e4\u00f6\u00fc"}
    assert isinstance(bad, RejectedRow)


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("name,Phone 1 - Value", None),
        ("name,Mobile Phone", None),
        ("name,TELEFON", None),
        ("name,phone number", None),
        ("name,Emergency contact", "emergency_contact"),
        ("name,Home Phone", "Home Phone"),
    ],
)
def test_the_column_of_numbers_by_the_names_that_people_have(header: str, chosen: str | None) -> None:
    (row,) = _staged(f"{header}\nAnn,6175551234\n".encode(), chosen)
    assert (row.destination.phone_number, row.variables) == ("6175551234", {"name": "Ann"})


def test_the_contracts_name_is_preferred_and_a_chosen_one_before_it() -> None:
    data = b"destination,Mobile Phone\n6175551234,6175551235\n"
    assert _staged(data)[0].destination.phone_number == "6175551234"
    assert _staged(data, "mobile phone")[0].destination.phone_number == "6175551235"
    with pytest.raises(InvalidInput, match="no column 'fax'"):
        _staged(data, "fax")


def test_what_excel_writes_around_a_list() -> None:
    data = b'sep=;\r\ndestination;name;\r\n="6175551234";"=""007""";\r\n\'6175551235;\'x;\r\n\x1a'
    assert [(row.line, row.destination.phone_number, row.variables) for row in _staged(data)] == [
        (3, "6175551234", {"name": "007"}),
        (4, "6175551235", {"name": "'x"}),
    ]


def test_a_cell_in_a_column_without_a_name_is_told() -> None:
    (row,) = _read(b"destination,\n6175551234,oops\n")
    assert isinstance(row, RejectedRow)
    assert row.error.startswith("A cell is in a column without a name.")
