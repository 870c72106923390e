"""docs/security.md names every control, and tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"


def test_every_control_is_named_with_its_tests() -> None:
    rows = re.findall(r"^\| (\d+) \| .+ \| (\[.+\)) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 31))


def test_every_file_that_is_named_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(links) > 30
    for link in links:
        path = (PAGE.parent / link).resolve()
        assert path.is_file(), link
        assert path.suffix != ".py" or re.search(r"^(async )?def test_", path.read_text(), re.MULTILINE), link


def test_the_readme_leads_to_it() -> None:
    assert "(docs/security.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
