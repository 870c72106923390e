"""Fills an empty database, so that a first call can be made at once."""

from dataclasses import dataclass

from calloff.accounts.keys import hash_key
from calloff.accounts.rows import fetch_one
from calloff.db.pool import Pool

_LOCK = 0x43414C4C4F42


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What was made: one of each."""

    account_id: int
    user_id: int
    email: str
    application_id: int
    deployment_id: int
    trunk_id: int


async def is_empty(pool: Pool) -> bool:
    """Whether there is no account yet."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT FROM account LIMIT 1")
        return cursor.rowcount == 0


async def bootstrap(pool: Pool, email: str, developer_key: str) -> Bootstrapped | None:
    """Make an account, its administrator with that key, an application and a deployment on a simulated trunk.

    All or nothing, and at most once, also when several processes try; None if there was an account already.
    """
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        return await fetch_one(
            connection, Bootstrapped, "bootstrap", {"email": email, "sha256": hash_key(developer_key)}
        )
