"""Every sample of the documentation, run as it stands: cURL, Python, PHP and Node.js on a running server."""

import asyncio
import os
import sys
from typing import Any

from calloff.api.openapi import openapi_document
from calloff.db.pool import Pool
from tests.support.site import running_site
from tests.support.uploading import queue_small_list

_RUNNERS = {
    "Shell": ["bash", "-e"],
    "Python": [sys.executable, "-"],
    "PHP": ["php"],
    "JavaScript": ["node", "--input-type=module"],
}


async def test_every_sample_runs_as_it_stands(pool: Pool, database_url: str) -> None:
    async with running_site(pool, database_url) as site:
        environment = {
            **os.environ,
            "CALLOFF_EMAIL": site.seed.email,
            "CALLOFF_KEY": site.seed.developer_key,
            "NO_PROXY": "127.0.0.1",
        }
        values = {
            "{base_url}": site.url,
            "{application_id}": str(site.seed.application_id),
            "{deployment_id}": str(site.seed.deployment_id),
            "{list_id}": str(await queue_small_list(pool, site.seed.deployment_id)),
        }

        async def run(operation: dict[str, Any], sample: dict[str, str], call_id: int) -> None:
            source = sample["source"]
            for name, value in {**values, "{call_id}": str(call_id)}.items():
                source = source.replace(name, value)
            process = await asyncio.create_subprocess_exec(
                *_RUNNERS[sample["lang"]],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
            )
            output, _ = await process.communicate(source.encode())
            success = next(status for status in operation["responses"] if status.startswith("2"))
            assert process.returncode == 0, (operation["operationId"], sample["lang"], output)
            if sample["lang"] != "Shell":
                assert output.decode().startswith(success), (operation["operationId"], sample["lang"], output)

        paths = openapi_document()["paths"].values()
        operations = {each["operationId"]: each for methods in paths for each in methods.values()}
        # After a list of two, `queue` makes the calls 3 to 6, one for each language's `cancel_call`, before `cancel`
        # takes them all.
        for name in ["queue", "cancel_call", *(operations.keys() - {"queue", "cancel_call"})]:
            operation = operations[name]
            samples = enumerate(operation["x-codeSamples"], 3)
            await asyncio.gather(*(run(operation, sample, call_id) for call_id, sample in samples))
