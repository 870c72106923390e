"""Accounts: who owns users and applications, and is billed and stopped as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from calloff.accounts.deployments import Deployment
from calloff.accounts.limits import Limits
from calloff.accounts.rows import check_name, fetch_all, fetch_one
from calloff.db.certain import call_certainly
from calloff.db.pool import Connection, Pool
from calloff.db.source import Source
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput, NotFound
from calloff.domain.numbers import COUNTRIES
from calloff.domain.settings import check

NO_ACCOUNT = "No account was found by that id. List the accounts."


@dataclass(frozen=True, slots=True)
class Account:
    """One tenant."""

    id: int
    name: str
    max_concurrent_calls: int | None
    """Of all its deployments together."""
    calls_per_second: float | None
    country: str
    """In which numbers without a country code are read, as ISO 3166-1 alpha-2."""
    created_at: datetime
    deactivated_at: datetime | None


async def add_account(source: Source, name: str) -> Account:
    """Make an account. Raises `InvalidInput` for a name that is empty or cannot be shown."""
    account = await fetch_one(source, Account, "add_account", {"name": check_name(name)})
    assert account is not None
    return account


async def list_accounts(source: Source) -> list[Account]:
    """Every account, in the order in which they were made."""
    return await fetch_all(source, Account, "list_accounts", {})


async def find_account(source: Source, account_id: int) -> Account:
    """That account. Raises `NotFound`."""
    return await _one(source, "find_account", {"account_id": account_id})


async def lock_account(connection: Connection, account_id: int) -> Account:
    """That account, which nobody else changes until the transaction is over. Raises `NotFound`."""
    return await _one(connection, "lock_account", {"account_id": account_id})


async def limit_account(source: Source, account_id: int, limits: Limits) -> Account:
    """Set what all deployments of the account may do together. Raises `NotFound`, `InvalidInput`."""
    changes = Jsonb(check(Limits, limits))
    return await _one(source, "limit_account", {"account_id": account_id, "changes": changes})


async def set_country(source: Source, account_id: int, country: str) -> Account:
    """Read the account's numbers as those of that country from the next call on. Raises `NotFound`, `InvalidInput`."""
    if country not in COUNTRIES:
        raise InvalidInput(
            "country is none that has phone numbers. Give its two letters, like US or DE.", field="country"
        )
    return await _one(source, "set_country", {"account_id": account_id, "country": country})


async def deactivate_account(source: Source, account_id: int) -> Account:
    """Shut the account out; `pause_account` stops its dialing. A second call does nothing new. Raises `NotFound`."""
    return await _one(source, "deactivate_account", {"account_id": account_id})


async def reactivate_account(source: Source, account_id: int) -> Account:
    """Let the account in again; its deployments stay paused until each is resumed. Raises `NotFound`."""
    return await _one(source, "reactivate_account", {"account_id": account_id})


async def pause_account(pool: Pool, account_id: int) -> None:
    """Pause every deployment of the account: once this returns, nothing of it starts until one of them is resumed.

    Raises `OutcomeUnknown`: then it has to be asked for again.
    """
    parameters = {"account_id": account_id, "application_id": None}
    for deployment in await fetch_all(pool, Deployment, "list_deployments", parameters):
        await call_certainly(pool, load(__package__, "pause"), {"deployment_id": deployment.id})


async def _one(source: Source, statement: str, parameters: Mapping[str, object]) -> Account:
    account = await fetch_one(source, Account, statement, parameters)
    if account is None:
        raise NotFound(NO_ACCOUNT)
    return account
