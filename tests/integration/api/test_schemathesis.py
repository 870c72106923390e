"""Schemathesis sends what the OpenAPI document allows and forbids, and holds every answer against it."""

import asyncio
import sys
from pathlib import Path

from calloff.db.pool import Pool
from tests.support.site import running_site

_NOT_OURS = (
    # Valid by its form is not enough: a window has to be to come, and a file has to be a list of numbers.
    "positive_data_acceptance",
    # DELETE calls a call off, which can be read for ever after: so the documented wire format wants it.
    "use_after_free",
)


async def test_every_answer_is_as_documented(pool: Pool, database_url: str, tmp_path: Path) -> None:
    async with running_site(pool, database_url) as site:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{site.url}/openapi.json",
            "--auth",
            f"{site.seed.email}:{site.seed.developer_key}",
            "--checks=all",
            f"--exclude-checks={','.join(_NOT_OURS)}",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=8",
            "--seed=1",
            "--no-color",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()[-6000:]
        assert b"Tested: 11" in output
