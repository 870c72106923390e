"""Somebody who may call: what a test needs before it can queue its first call."""

import hashlib
import secrets
from dataclasses import dataclass
from itertools import count

from calloff.db.pool import Pool

_number = count(1)


@dataclass(frozen=True, slots=True)
class Seed:
    """An account with one user, its developer key, and an application with one deployment on the simulated trunk."""

    account_id: int
    user_id: int
    email: str
    developer_key: str
    trunk_id: int
    application_id: int
    deployment_id: int


async def seed(
    pool: Pool,
    *,
    email: str | None = None,
    max_concurrent_calls: int | None = None,
    calls_per_second: float | None = None,
    on_unknown: str = "fail",
    caller_id: str | None = None,
) -> Seed:
    """Make a new account and all below it. The owner of the application is an administrator of the account.

    Each call makes everything anew but the trunk, of which there is one a database. `email` is the owner's; the other
    parameters are those of the deployment.
    """
    email = email or f"user{next(_number)}@example.com"
    developer_key = secrets.token_hex(32)
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            WITH new_account AS (
                INSERT INTO account (name) VALUES (%(email)s) RETURNING id
            ), new_user AS (
                INSERT INTO account_user (account_id, email, is_administrator)
                SELECT id, %(email)s, true FROM new_account RETURNING id
            ), new_key AS (
                INSERT INTO developer_key (user_id, sha256) SELECT id, %(sha256)s FROM new_user
            ), new_trunk AS (
                INSERT INTO trunk (name, kind) VALUES ('simulated', 'simulated')
                ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id
            ), new_application AS (
                INSERT INTO application (account_id, owner_user_id, name)
                SELECT new_account.id, new_user.id, 'reminders' FROM new_account, new_user RETURNING id
            ), new_deployment AS (
                INSERT INTO deployment (application_id, trunk_id, name, max_concurrent_calls, calls_per_second,
                    on_unknown, caller_id)
                SELECT new_application.id, new_trunk.id, 'production', %(max_concurrent_calls)s, %(calls_per_second)s,
                    %(on_unknown)s, %(caller_id)s
                FROM new_application, new_trunk RETURNING id
            ), new_queue AS (
                INSERT INTO queue (deployment_id) SELECT id FROM new_deployment
            )
            SELECT new_account.id AS account_id, new_user.id AS user_id, new_trunk.id AS trunk_id,
                new_application.id AS application_id, new_deployment.id AS deployment_id
            FROM new_account, new_user, new_trunk, new_application, new_deployment
            """,
            {
                "email": email,
                "sha256": hashlib.sha256(developer_key.encode()).digest(),
                "max_concurrent_calls": max_concurrent_calls,
                "calls_per_second": calls_per_second,
                "on_unknown": on_unknown,
                "caller_id": caller_id,
            },
        )
        row = await cursor.fetchone()
    assert row is not None
    return Seed(email=email, developer_key=developer_key, **row)
