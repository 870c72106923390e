"""Run every measurement and write the table."""

import asyncio
import sys
import time

from bench.callbacks import measure_callbacks
from bench.cancels import measure_cancels
from bench.cycles import measure_cycles
from bench.lists import measure_bulk
from bench.media import measure_media
from bench.pages import measure_pages
from bench.report import Figure, write
from bench.requests import measure_requests
from bench.settling import measure_settling
from bench.sip_calls import measure_sip
from bench.sip_rates import measure_rates
from bench.stage import FULL, server

_ALL = {
    "cancels": measure_cancels,
    "bulk": measure_bulk,
    "callbacks": measure_callbacks,
    "cycles": measure_cycles,
    "requests": measure_requests,
    "pages": measure_pages,
    "settling": measure_settling,
    "media": lambda server: measure_media(),
    "rates": lambda server: measure_rates(),
    "sip": measure_sip,
}


async def main(names: list[str]) -> None:
    """Those of `names`, or all of them; only all of them write the page."""
    figures: list[Figure] = []
    async with server() as running:
        for name in names or _ALL:
            started = time.perf_counter()
            for figure in await _ALL[name](running):
                figures.append(figure)
                print(
                    f"{figure.what}: {figure.measured} | {figure.beside} | {figure.ratio} | {figure.is_met}", flush=True
                )
            print(f"({name} took {time.perf_counter() - started:.0f} s)", flush=True)
    if not names:
        write(figures, "long" if FULL else "short")


asyncio.run(main(sys.argv[1:]))
