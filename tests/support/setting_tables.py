"""The tables of settings in the documentation, made from what declares them.

`python -m tests.support.setting_tables` writes each between `<!-- settings: NAME -->` and `<!-- end of settings -->`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from calloff.accounts.deployments import DeploymentSettings
from calloff.cli.changes import option_of
from calloff.domain.settings import Kind, Setting, settings_of
from calloff.wiring.trunk_settings import SETTINGS

DOCUMENTATION = Path(__file__).parents[2] / "docs"
TABLES = {"deployment": settings_of(DeploymentSettings), **{f"{kind} trunk": each for kind, each in SETTINGS.items()}}
_BLOCK = re.compile(r"(?<=<!-- settings: )([a-z ]+)( -->\n)(.*?)(?=<!-- end of settings -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """A page, with its tables made anew."""
    return _BLOCK.sub(lambda block: "\n".join([f"{block[1]} -->", "", *_table(TABLES[block[1]]), "", ""]), text)


def pages() -> Iterator[Path]:
    """Those that hold a table."""
    return (path for path in sorted(DOCUMENTATION.glob("*.md")) if _BLOCK.search(path.read_text(encoding="utf-8")))


def _table(settings: dict[str, Setting]) -> Iterator[str]:
    yield "| setting | option | default | |"
    yield "|---|---|---|---|"
    for name, setting in settings.items():
        says = " ".join(f"{each}." for each in _says(setting)).replace("|", "\\|")
        yield f"| `{name}` | `{option_of(setting)}` | {_default(setting)} | {says} |"


def _says(setting: Setting) -> Iterator[str]:
    yield setting.about.title
    if setting.about.says:
        yield setting.about.says.rstrip(".")
    if setting.kind is Kind.CHOICE:
        yield ", ".join(f"`{value}`: {label}" for value, label in setting.choices.items())
    elif setting.kind in (Kind.WHOLE, Kind.DECIMAL):
        yield setting.wants.removeprefix("must be a ").capitalize()


def _default(setting: Setting) -> str:
    if setting.default in (None, "", ()):
        return setting.about.none
    if isinstance(setting.default, bool):
        return "yes" if setting.default else "no"
    return f"`{setting.write(setting.default)}`"


if __name__ == "__main__":
    for page in pages():
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
