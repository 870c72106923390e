"""Accounts, users, applications and deployments, made anew for each test in the database of the running service."""

import hashlib
import secrets
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

Database = psycopg.Connection[Any]
_number = count(1)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a developer key."""

    id: int
    account_id: int
    email: str
    key: str

    @property
    def auth(self) -> tuple[str, str]:
        return self.email, self.key


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment, its application, and the user who owns it."""

    id: int
    application_id: int
    owner: User

    def path(self, action: str) -> str:
        return f"/api/apps/{self.application_id}/{self.id}/{action}"


def connect(database_url: str) -> Database:
    """A connection whose rows are their first column."""
    return psycopg.connect(database_url, autocommit=True, row_factory=scalar_row)


def new_account(database: Database) -> int:
    return _insert(database, "INSERT INTO account (name) VALUES ('tenant') RETURNING id")


def new_user(database: Database, account_id: int, *, administrator: bool = False) -> User:
    email, key = f"Somebody{next(_number)}@example.com", secrets.token_hex(32)
    user_id = _insert(
        database,
        "INSERT INTO account_user (account_id, email, is_administrator) VALUES (%s, %s, %s) RETURNING id",
        account_id,
        email,
        administrator,
    )
    _insert(
        database,
        "INSERT INTO developer_key (user_id, sha256) VALUES (%s, %s) RETURNING id",
        user_id,
        hashlib.sha256(key.encode()).digest(),
    )
    return User(user_id, account_id, email, key)


def new_deployment(
    database: Database,
    owner: User,
    *,
    application_id: int | None = None,
    max_concurrent_calls: int | None = None,
    speed: float = 20,
) -> Deployment:
    """A deployment on the simulated trunk, in a new application unless one is given."""
    if application_id is None:
        application_id = _insert(
            database,
            "INSERT INTO application (account_id, owner_user_id, name) VALUES (%s, %s, 'reminders') RETURNING id",
            owner.account_id,
            owner.id,
        )
    trunk_id = _insert(
        database,
        "INSERT INTO trunk (name, kind, settings) VALUES (%s, 'simulated', %s) "
        "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id",
        f"simulated {speed}",
        Jsonb({"speed": speed}),
    )
    deployment_id = _insert(
        database,
        "INSERT INTO deployment (application_id, trunk_id, name, max_concurrent_calls) "
        "VALUES (%s, %s, 'production', %s) RETURNING id",
        application_id,
        trunk_id,
        max_concurrent_calls,
    )
    _insert(database, "INSERT INTO queue (deployment_id) VALUES (%s) RETURNING deployment_id", deployment_id)
    return Deployment(deployment_id, application_id, owner)


def share(database: Database, deployment: Deployment, user: User, **may: bool) -> None:
    """Let `user` do what is named: view, queue, cancel, administer."""
    allowed = [may.get(name, False) for name in ("view", "queue", "cancel", "administer")]
    database.execute(
        "INSERT INTO permission (application_id, user_id, may_view, may_queue, may_cancel, may_administer) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [deployment.application_id, user.id, *allowed],
    )


def queued_calls(database: Database, deployment: Deployment) -> int:
    """How many calls this deployment was ever given."""
    return _insert(database, "SELECT count(*) FROM call WHERE deployment_id = %s", deployment.id)


def _insert(database: Database, statement: str, *parameters: object) -> int:
    value: int | None = database.execute(statement.encode(), parameters).fetchone()
    assert value is not None
    return value
