"""Schemathesis sends what the OpenAPI document allows and forbids, and holds every answer against it."""

import asyncio
import os
import re
import sys
from pathlib import Path

from calloff.db.pool import Pool
from tests.support.site import running_site

_ROOT = Path(__file__).parents[3]


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
            # DELETE calls a call off, which can be read for ever after: so the documented wire format wants it.
            # Wrong credentials are sent by `test_examples.py`, each from another address: here they are slowed down.
            "--exclude-checks=use_after_free,ignored_auth",
            "--phases=examples,coverage,fuzzing,stateful",
            "--max-examples=6",
            # Threads that parse at once break CPython 3.11 (gh-106905).
            "--workers=1",
            "--seed=1",
            "--no-color",
            cwd=tmp_path,
            env=os.environ
            | {
                "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks",
                "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)]),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()[-6000:]
        assert "Tested: 21" in output.decode()
        # The two that the document names, and some of those that Schemathesis infers.
        covered = re.search(r"API Links: +([0-9]+) covered", output.decode())
        assert covered is not None
        assert int(covered[1]) > 2
