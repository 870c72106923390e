"""What the pages of a deployment with many calls cost: a few rows each, found by an index, however many there are."""

from collections.abc import AsyncIterator

import pytest

from calloff.calls.cancel import cancel_pending
from calloff.db.pool import Pool, open_pool
from tests.integration.console.conftest import new_app, owner_of, visit
from tests.support.seed import seed

_CALLS = 60_000
_MOST_ROWS = 600
"""Of `call`, that one page may fetch: some for each row that it shows."""
_FILL = """
INSERT INTO call (deployment_id, epoch, state, phone_number, attempts, connected_at, ended_at, result)
SELECT %(deployment_id)s, %(epoch)s, s.state, '+1617' || lpad((n %% 9000000)::text, 7, '0'), 0,
       CASE WHEN s.state = 'completed' THEN now() END,
       CASE WHEN s.state <> 'queued' THEN now() END,
       CASE s.state WHEN 'completed' THEN 'answered' WHEN 'failed' THEN 'busy' END
FROM generate_series(1, %(calls)s) AS n
CROSS JOIN LATERAL (SELECT (ARRAY['queued', 'completed', 'failed', 'canceled', 'queued'])[1 + n %% 5] AS state) AS s
"""


@pytest.fixture
async def one_connection(database_url: str) -> AsyncIterator[Pool]:
    """A pool of one, whose counters can be read at once."""
    pool = await open_pool(database_url, min_size=1, max_size=1)
    yield pool
    await pool.close()


async def _fetched(pool: Pool) -> tuple[int, int]:
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        cursor = await connection.execute(
            "SELECT seq_tup_read AS read, coalesce(idx_tup_fetch, 0) AS fetched FROM pg_stat_user_tables "
            "WHERE relname = 'call'"
        )
        row = await cursor.fetchone()
    assert row is not None
    return row["read"], row["fetched"]


async def test_no_page_counts_or_wades(one_connection: Pool, database_url: str) -> None:
    pool = one_connection
    seeded = await seed(pool)
    for epoch in (0, 1):
        async with pool.connection() as connection:
            await connection.execute(
                _FILL, {"deployment_id": seeded.deployment_id, "epoch": epoch, "calls": _CALLS // 2}
            )
        if epoch == 0:
            await cancel_pending(pool, seeded.deployment_id, user_id=seeded.user_id, origin="test")
    async with pool.connection() as connection:
        await connection.execute("VACUUM ANALYZE call")
        await connection.execute("ANALYZE call_count")
    browser = await visit(new_app(pool, database_url), pool, owner_of(seeded))
    here = f"/console/apps/{seeded.application_id}/{seeded.deployment_id}"
    pages = [
        "/console/apps",
        "/console/limits",
        here,
        f"{here}/stops",
        f"{here}/calls",
        *(f"{here}/calls?status={status}" for status in ("queued", "dialing", "completed", "failed", "canceled")),
        f"{here}/calls?before={_CALLS // 2}",
        f"{here}/calls?number=%2B16170000777",
        f"{here}/calls/777",
        f"{here}/cancel",
        f"{here}/cancellations",
        f"{here}/cancellations/1",
        f"{here}/delete",
    ]
    for path in pages:
        before = await _fetched(pool)
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        after = await _fetched(pool)
        assert after[0] == before[0], f"{path} reads all calls"
        assert after[1] - before[1] <= _MOST_ROWS, f"{path} reads {after[1] - before[1]} calls"
    # The test measures what it says: a search finds its calls through the index, one of each epoch.
    before = await _fetched(pool)
    assert (await browser.get(f"{here}/calls?number=%2B16170000777")).text.count("16170000777") >= 2
    assert (await _fetched(pool))[1] > before[1]
