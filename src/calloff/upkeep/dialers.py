"""The leases of the dialers: a dialer that stops renewing loses what it holds (see `rescue`)."""

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from calloff.calls.rescue import LEASE
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.results import Result
from calloff.upkeep.latencies import Latencies


async def register(pool: Pool, *, name: str, ports: int) -> int:
    """Enter a dialer that can hold `ports` calls; returns its ID."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            load(__package__, "register_dialer"), {"name": name, "ports": ports, "lease": LEASE}
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row["id"])


async def renew(
    pool: Pool,
    dialer_id: int,
    *,
    ports_in_use: int = 0,
    latencies: Latencies | None = None,
    dials: Mapping[Result, int] | None = None,
) -> bool:
    """Renew the lease, and say how the dialer fares: `dials` are its attempts that ended, by result.

    False if the lease was over and the calls are taken away, so that the dialer has to register anew.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(
            load(__package__, "renew_dialer"),
            {
                "dialer_id": dialer_id,
                "lease": LEASE,
                "ports_in_use": ports_in_use,
                "latencies": None if latencies is None else Jsonb(latencies.to_json()),
                "dials": None if dials is None else Jsonb(dials),
            },
        )
        return await cursor.fetchone() is not None


async def retire(pool: Pool, dialer_id: int) -> None:
    """Give up the lease at once, as a drained dialer does."""
    async with pool.connection() as connection:
        await connection.execute(load(__package__, "retire_dialer"), {"dialer_id": dialer_id})
