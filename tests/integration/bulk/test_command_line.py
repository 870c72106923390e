"""`calloff bulk` and `calloff export`, as their users run them."""

import csv
import io
import json
import subprocess
from pathlib import Path

from tests.integration.bulk.conftest import Caller
from tests.support.api_process import ApiProcess
from tests.support.serving import command, environment


async def test_a_list_goes_up_and_comes_out(api: ApiProcess, caller: Caller, database_url: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("destination,name\n+16175551234,=Ann\nnobody,Bob\n+16175551235,Cy\n")
    deployment = str(caller.seed.deployment_id)
    settings = environment(
        url=api.url,
        email=caller.seed.email,
        key=caller.seed.developer_key,
        database_url=database_url,
        data_dir=str(tmp_path),
    )

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command(*arguments), env=settings, capture_output=True, text=True, check=False)

    upload = ("bulk", str(listed), "--app", str(caller.seed.application_id), "--deployment", deployment)
    first = run(*upload, "--idempotency-key", "k", "--json")
    assert first.returncode == 0, first.stderr
    answer = json.loads(first.stdout)
    assert (answer["queued"], answer["rejected"], answer["errors"][0]["line"]) == (2, 1, 3)

    repeated = run(*upload, "--idempotency-key", "k")
    assert repeated.stdout.splitlines()[0] == "2 calls are queued, 1 rows were rejected."
    assert repeated.stdout.splitlines()[1].startswith("  line 3: ")

    listed.write_text("name\nAnn\n")
    refused = run(*upload)
    assert refused.returncode == 1
    assert "no destination column" in refused.stderr

    exported = run("export", "--deployment", deployment)
    assert exported.returncode == 0, exported.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout, newline="")))
    assert [row["call_id"] for row in rows] == answer["call_ids"]
    assert [row["phone_number"] for row in rows] == ["'+16175551234", "'+16175551235"]
    assert json.loads(rows[0]["variables"]) == {"name": "=Ann"}

    lines = tmp_path / "calls.jsonl"
    assert run("export", "--format", "jsonl", "--status", "queued", "--output", str(lines)).returncode == 0
    assert [json.loads(line)["phone_number"] for line in lines.read_text().splitlines()] == [
        "+16175551234",
        "+16175551235",
    ]
    assert run("export", "--status", "canceled").stdout.count("\n") == 1
