"""Accounts: who owns users and applications, and is billed and stopped as one."""

from dataclasses import dataclass
from datetime import datetime

from calloff.accounts.deployments import Deployment
from calloff.accounts.rows import Source, check_name, fetch_all, fetch_one
from calloff.db.certain import call_certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.errors import NotFound

_NO_ACCOUNT = "No account was found by that id. List the accounts."


@dataclass(frozen=True, slots=True)
class Account:
    """One tenant."""

    id: int
    name: str
    max_concurrent_calls: int | None
    """Of all its deployments together."""
    calls_per_second: float | None
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


async def limit_account(
    source: Source, account_id: int, *, max_concurrent_calls: int | None, calls_per_second: float | None
) -> Account:
    """Set what all deployments of the account may do together; None is no limit. Raises `NotFound`, `InvalidInput`."""
    account = await fetch_one(
        source,
        Account,
        "limit_account",
        {
            "account_id": account_id,
            "max_concurrent_calls": max_concurrent_calls,
            "calls_per_second": calls_per_second,
        },
    )
    if account is None:
        raise NotFound(_NO_ACCOUNT)
    return account


async def deactivate_account(pool: Pool, account_id: int) -> Account:
    """Shut the account out and stop its dialing: once this returns, nothing of it starts any more.

    What waits goes on waiting, in queues that are paused; what is dialing or connected goes on to its own end. A second
    call does nothing new. Raises `NotFound`, or `OutcomeUnknown`: then it has to be asked for again.
    """
    account = await fetch_one(pool, Account, "deactivate_account", {"account_id": account_id})
    if account is None:
        raise NotFound(_NO_ACCOUNT)
    # A pause takes each queue's lock, which a claim that has read the account as active does not outlast.
    await pause_account(pool, account_id)
    return account


async def reactivate_account(source: Source, account_id: int) -> Account:
    """Let the account in again; its deployments stay paused until each is resumed. Raises `NotFound`."""
    account = await fetch_one(source, Account, "reactivate_account", {"account_id": account_id})
    if account is None:
        raise NotFound(_NO_ACCOUNT)
    return account


async def pause_account(pool: Pool, account_id: int) -> None:
    """Pause every deployment of the account: once this returns, nothing of it starts until one of them is resumed.

    Raises `OutcomeUnknown`: then it has to be asked for again.
    """
    for deployment in await fetch_all(
        pool, Deployment, "list_deployments", {"account_id": account_id, "application_id": None}
    ):
        await call_certainly(pool, load(__package__, "pause"), {"deployment_id": deployment.id})
