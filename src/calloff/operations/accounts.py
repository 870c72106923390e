"""Accounts: made, limited, stopped, shut out and let in."""

from calloff.accounts import accounts
from calloff.accounts.accounts import Account
from calloff.accounts.limits import Limits
from calloff.domain.entries import differences
from calloff.domain.errors import Conflict
from calloff.operations.access import Access, Door, Role
from calloff.operations.operation import Act, operation


@operation("add an account", Role.OPERATOR, Door.CLI)
async def add_account(act: Act[Access], name: str) -> Account:
    """Make an account. Raises `InvalidInput` for a name that is none."""
    async with act.change() as change:
        account = await accounts.add_account(change.connection, name)
        change.account_id, change.subject = account.id, f"account {account.id}"
    return account


@operation("limit an account", Role.OPERATOR, Door.CONSOLE, Door.CLI)
async def limit_account(act: Act[Access], limits: Limits) -> Account:
    """Set what all deployments of the account may do together. Raises `InvalidInput`."""
    async with act.change() as change:
        before = await accounts.lock_account(change.connection, act.account_id)
        after = await accounts.limit_account(change.connection, act.account_id, limits)
        change.values = differences(before, after)
    return after


@operation("set an account's country", Role.OPERATOR, Door.CLI)
async def set_country(act: Act[Access], country: str) -> Account:
    """Read the account's numbers without a country code as those of `country`. Raises `InvalidInput`."""
    async with act.change() as change:
        before = await accounts.lock_account(change.connection, act.account_id)
        after = await accounts.set_country(change.connection, act.account_id, country)
        change.values = differences(before, after)
    return after


@operation("pause every deployment", Role.ADMINISTRATOR, Door.CONSOLE)
async def pause_account(act: Act[Access]) -> None:
    """Start nothing more in the whole account, until each deployment is resumed by itself.

    Raises `OutcomeUnknown`: then it has to be asked for again.
    """
    # The entry first: each queue is paused in a commit of its own, so that none waits for another's lock.
    async with act.change():
        pass
    await accounts.pause_account(act.pool, act.account_id)


@operation("deactivate an account", Role.OPERATOR, Door.CONSOLE, Door.CLI)
async def deactivate_account(act: Act[Access]) -> Account:
    """Shut the account out and stop its dialing: once this returns, nothing of it starts any more.

    A second time does nothing new. Raises `Conflict` for the account of whoever asks, or `OutcomeUnknown`: then it has
    to be asked for again.
    """
    user = act.access.actor.user
    if user is not None and user.account_id == act.account_id:
        raise Conflict("You cannot shut your own account out. Pause its deployments instead.")
    async with act.change() as change:
        account = await accounts.deactivate_account(change.connection, act.account_id)
    # Afterwards, and one by one: a pause takes each queue's lock, which a claim that has read the account as active
    # does not outlast.
    await accounts.pause_account(act.pool, act.account_id)
    return account


@operation("reactivate an account", Role.OPERATOR, Door.CONSOLE, Door.CLI)
async def reactivate_account(act: Act[Access]) -> Account:
    """Let the account in again; its deployments stay paused until each is resumed."""
    async with act.change() as change:
        return await accounts.reactivate_account(change.connection, act.account_id)
