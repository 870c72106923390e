"""The table that a run writes."""

import platform
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: what was measured beside what, within one run."""

    what: str
    measured: str
    beside: str
    ratio: float | None
    aim: str
    """In words, empty if there is none."""
    is_met: bool | None = None


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def milliseconds(seconds: float) -> str:
    """For the table."""
    return f"{seconds * 1000:.2f} ms"


def write(figures: list[Figure], form: str) -> None:
    """Write the page anew."""
    lines = [
        "# Performance",
        "",
        f"Written by `make bench` ({form} form) on {platform.machine()} with {platform.python_implementation()} "
        f"{platform.python_version()}. The absolute figures are those of one machine, server, clients and all; the",
        "ratios are what to look at: both sides of each were measured in the same run.",
        "",
        "| what | measured | beside | ratio | aim | met |",
        "|---|---|---|---|---|---|",
    ]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        met = {True: "yes", False: "**no**", None: ""}[figure.is_met]
        cells = (figure.what, figure.measured, figure.beside, ratio, figure.aim, met)
        lines.append(f"| {' | '.join(cells)} |")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
