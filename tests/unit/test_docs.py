"""What the documentation names is there: files, settings and options; and what the code imports is declared."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer

from calloff.cli import app
from calloff.config import envvar, settings_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_OF_TESTS = {"CALLOFF_SCREENSHOTS"}
_OPTIONAL = {"piper"}
"""Imported only where an extra was installed."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), link
    for name in re.findall(r"`([a-z_]+(?:/[a-z_*0-9]+)*(?:/|\.(?:py|sql|md)))`", text):
        places = (ROOT, ROOT / "src" / "calloff", ROOT / "docs")
        found = any(next(place.glob(name.rstrip("/")), None) for place in places)
        assert found or any((ROOT / "src" / "calloff").rglob(name.rstrip("/"))), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_and_option_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    variables = {envvar(setting) for setting in settings_of()} | _OF_TESTS
    assert set(re.findall(r"CALLOFF_[A-Z_]+[A-Z]", text)) <= variables
    options = set(_options(typer.main.get_command(app)))
    for line in re.findall(r"^ *(?:\$ )?calloff .*$|`[^`\n]*`", text, re.MULTILINE):
        if "calloff" in line or line.startswith("`--"):
            assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)) <= options, line


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {_plain(re.split(r"[\[<>=]", line)[0]) for line in project["dependencies"]}
    for name in _imported() - _OPTIONAL:
        assert declared & {_plain(each) for each in packages_distributions().get(name, [])}, name


def _imported() -> set[str]:
    names = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"calloff", "_typeshed"}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for each in getattr(command, "commands", {}).values():
        yield from _options(each)
    yield "--help"
