"""The table that a run writes."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


_LIMITS = """## What the limits are

- **Cancel**: authentication and the commit. It writes two rows whatever the depth. While dialers hammer the same
  deployment, it waits for the claims and starts that are under way, each one short transaction of at most 100 calls;
  what it adds to a request that does nothing at that moment is the wait for the slowest of them.
- **bulk_queue**: one core of the API process parses and checks the rows (about 10 microseconds each), then PostgreSQL
  writes them twice, to the stage and to the table; the second time with the same indexes and counters as a bare COPY.
- **Claim, start and settle**: each call is updated three times, with its events and the counters by state, in two
  durable commits a batch. The limit is the server's processor: about 55 microseconds a call, a quarter of it for
  entries in three or four indexes at each change, because a change of state leaves no index as it was.
- **Callbacks**: one core of the process that delivers, about half of it for the post, over a connection of its own, and
  half for reading the call and writing down what came of it. Processes add up.
- **Single queue requests**: one commit for each, on top of authentication.
- **The settler** works a fifth of the time (`upkeep/settler.py`), so that it takes at most that share of one processor.
- **Sound**: each packet is a call to the kernel, which is a third to a half of what a held call costs. Where the far
  end's engine runs on the same two cores, as here, 1,000 calls leave no core to either, and packets are late.
- **The INVITE after its start**: server, dialer, media and SIPp share two cores; from the decision on, it is out within
  a millisecond.
""".splitlines()


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
        f"{platform.python_version()},",
        f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.1f} in the last 15 minutes. Server, clients and dialers "
        "share the machine, so look at the",
        "ratios: both sides of each were measured in the same run. With a load above the number of cores, percentiles",
        "tell of the other work on the machine.",
        "",
        "| what | measured | beside | ratio | aim | met |",
        "|---|---|---|---|---|---|",
    ]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        met = {True: "yes", False: "**no**", None: ""}[figure.is_met]
        cells = (figure.what, figure.measured, figure.beside, ratio, figure.aim, met)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_LIMITS]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
