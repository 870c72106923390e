"""Lists as people have them: workbooks, odd encodings and column names, over HTTP."""

import io
import zipfile

import openpyxl
import pytest

from calloff.db.pool import Pool
from tests.integration.lists.conftest import Caller


def workbook(*rows: tuple[object, ...]) -> bytes:
    """An Excel workbook with these rows."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


async def queued(pool: Pool) -> list[tuple[str, dict[str, str] | None]]:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT phone_number, variables FROM call ORDER BY id")
        return [(row["phone_number"], row["variables"]) for row in await cursor.fetchall()]


async def test_a_workbook_is_read_with_its_numbers_as_text(caller: Caller, pool: Pool) -> None:
    data = workbook(("Name", "Mobile Phone", "Code"), ("Zoë", 6175551234, "007"), ("Jürgen", "+49 30 1234567", 12.5))
    answer = await caller.upload(data)
    assert answer.status_code == 200, answer.text
    assert await queued(pool) == [
        ("6175551234", {"Name": "Zoë", "Code": "007"}),
        ("+49301234567", {"Name": "Jürgen", "Code": "12.5"}),
    ]


async def test_the_column_of_numbers_can_be_chosen(caller: Caller, pool: Pool) -> None:
    answer = await caller.upload("Kürzel;Notruf\nA;6175551234\n".encode("cp1252"), destination_column="Notruf")
    assert answer.status_code == 200, answer.text
    assert await queued(pool) == [("6175551234", {"Kürzel": "A"})]


def bomb() -> bytes:
    """A workbook of little more than a megabyte, whose one sheet says that it has rows without end."""
    good = zipfile.ZipFile(io.BytesIO(workbook(("destination",), (6175551234,))))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in good.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                archive.writestr(entry, good.read(entry))
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            cell = b'<c t="str"><v>' + b"6" * 32_000 + b"</v></c>"
            for _ in range(64):
                sheet.write(b"<row>" + cell * 600 + b"</row>")
            sheet.write(b"</sheetData></worksheet>")
    return data.getvalue()


async def test_a_workbook_that_is_none_or_a_bomb_is_refused(caller: Caller, pool: Pool) -> None:
    for data in (b"PK\x03\x04 and nothing more", bomb()):
        answer = await caller.upload(data)
        assert answer.status_code == 400
        assert "Save its sheet as CSV" in answer.json()["error"]
    assert await queued(pool) == []


@pytest.mark.parametrize("header", ["Mobile Phone,Home Phone", "name,age"])
async def test_a_list_whose_numbers_are_anybodys_guess_is_refused(header: str, caller: Caller, pool: Pool) -> None:
    answer = await caller.upload(f"{header}\n6175551234,6175551235\n".encode())
    assert answer.status_code == 400
    assert "destination_column" in answer.json()["error"]
    assert await queued(pool) == []
