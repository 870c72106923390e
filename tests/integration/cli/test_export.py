"""`calloff export`: what its options choose, and where it writes to."""

import csv
import io
import json
import subprocess
from pathlib import Path

from calloff.db.pool import Pool
from tests.support.seed import seed
from tests.support.serving import command, environment

MIDNIGHT, NOON = "6175550001", "6175550002"


async def test_it_writes_what_was_asked_for_where_it_was_asked_for(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    made = await seed(pool)
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO call (deployment_id, epoch, phone_number, queued_at) VALUES (%(id)s, 0, '6175550000', "
            "'2025-12-31T23:59:59Z'), (%(id)s, 0, %(midnight)s, '2026-01-01T00:00Z'), "
            "(%(id)s, 0, %(noon)s, '2026-01-01T12:00Z')",
            {"id": made.deployment_id, "midnight": MIDNIGHT, "noon": NOON},
        )

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        # Whatever the time zone of the operator, the time is in UTC.
        settings = {**environment(database_url=database_url, data_dir=str(tmp_path)), "TZ": "America/New_York"}
        return subprocess.run(
            command("export", *arguments), env=settings, capture_output=True, text=True, timeout=30, check=False
        )

    def read(text: str) -> list[str]:
        return [row["phone_number"] for row in csv.DictReader(io.StringIO(text, newline=""))]

    assert read(run("--since", "2026-01-01").stdout) == [MIDNIGHT, NOON]
    assert read(run("--since", "2026-01-01T00:00:01").stdout) == [NOON]
    kept = tmp_path / "calls.csv"
    kept.write_text("what was there before, and is longer\n" * 100)
    written = run("--since", "2026-01-01", "--output", str(kept))
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert read(kept.read_text()) == [MIDNIGHT, NOON]
    assert run("--since", "2026-01-01T12:00:00", "--format", "jsonl", "-o", str(kept)).returncode == 0
    [line] = kept.read_text().splitlines()
    assert json.loads(line)["phone_number"] == NOON

    for wrong in (["--since", "yesterday"], ["--format", "xlsx"], ["--status", "lost"]):
        assert run(*wrong).returncode == 2
    refused = run("--output", str(tmp_path / "nowhere" / "calls.csv"))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith("calls.csv cannot be written: No such file or directory. Name another --output.\n")
    assert len(refused.stderr.splitlines()) == 1
