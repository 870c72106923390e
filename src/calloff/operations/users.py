"""Users of an account: added, shut out, let in, given a role; their passwords and developer keys."""

from dataclasses import dataclass

from calloff.accounts import keys, passwords, users
from calloff.accounts.keys import DeveloperKey, NewKey
from calloff.accounts.throttle import Throttle
from calloff.accounts.users import AccountUser
from calloff.db.pool import Pool
from calloff.domain.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from calloff.operations.access import EVERYTHING, Access, Actor, Door, Right, Role, to_account
from calloff.operations.operation import Act, operation


@dataclass(frozen=True, slots=True)
class UserAccess(Access):
    """What an actor may do with a user of the account. Who is a `MEMBER` here is that user."""

    account_id: int
    user: AccountUser

    @property
    def subject(self) -> str:
        """How the audit log names the place."""
        return f"user {self.user.id}"

    @property
    def is_own(self) -> bool:
        """Whether it is the actor."""
        return self.actor.user_id == self.user.id


@dataclass(frozen=True, slots=True)
class KeyAccess(UserAccess):
    """What an actor may do with a developer key of that user. An administrator is a `MEMBER` here, too."""

    key_id: int

    @property
    def subject(self) -> str:
        """How the audit log names the place."""
        return f"key {self.key_id}"


async def to_user(pool: Pool, actor: Actor, user: int | str, *, missing: str = users.NO_USER) -> UserAccess:
    """The access to the user of that ID or e-mail address.

    Raises `NotFound` with the words of `missing` if it is nobody, or another account's.
    """
    found = await users.find_user(pool, str(user))
    if actor.user is not None and actor.user.account_id != found.account_id:
        raise NotFound(missing)
    may: frozenset[Right] = EVERYTHING
    if actor.user is not None:
        may = (await to_account(pool, actor)).may
        may = may | {Role.MEMBER} if found.id == actor.user_id else may - {Role.MEMBER}
    return UserAccess(actor, found.account_id, may & actor.at_most, found)


async def to_key(pool: Pool, actor: Actor, key_id: int) -> KeyAccess:
    """The access to a key: one's own or, for an administrator, any of the account. Raises `NotFound`."""
    key = await keys.find_key(pool, key_id)
    place = await to_user(pool, actor, key.user_id, missing=keys.NO_KEY)
    if actor.user is not None and not place.is_own and not actor.user.is_administrator:
        raise NotFound(keys.NO_KEY)
    may = place.may | ({Role.MEMBER} & actor.at_most)
    return KeyAccess(actor, place.account_id, may, place.user, key_id)


@operation("add a user", Role.ADMINISTRATOR, Door.CONSOLE, Door.CLI)
async def add_user(
    act: Act[Access], email: str, *, is_administrator: bool = False, first_password: str | None = None
) -> AccountUser:
    """Add a user to the account, who has to change the `first_password` at the sign-in, if they are given one.

    Raises `InvalidInput` for what is no address, and `Conflict` for one that is taken.
    """
    hashed = None if first_password is None else await passwords.hash_password(first_password)
    async with act.change() as change:
        user = await users.add_user(change.connection, act.account_id, email, is_administrator=is_administrator)
        if hashed is not None:
            await passwords.keep_password(change.connection, user.id, hashed, must_change=True)
        change.subject = f"user {user.id}"
    return user


@operation("change a role", Role.ADMINISTRATOR, Door.CONSOLE, Door.CLI)
async def set_role(act: Act[UserAccess], *, is_administrator: bool) -> AccountUser:
    """Let the user do everything in the account, or only what was shared. Raises `Conflict` for oneself."""
    if act.access.is_own:
        raise Conflict("You cannot change your own role. Ask another administrator.")
    async with act.change() as change:
        change.action = "make a user an administrator" if is_administrator else "make an administrator a user"
        return await users.set_role(change.connection, act.access.user.id, is_administrator=is_administrator)


@operation("deactivate a user", Role.ADMINISTRATOR, Door.CONSOLE, Door.CLI)
async def deactivate_user(act: Act[UserAccess]) -> AccountUser:
    """Shut the user out, with all keys and sessions. Raises `Conflict` for oneself."""
    if act.access.is_own:
        raise Conflict("You cannot shut yourself out. Ask another administrator.")
    async with act.change() as change:
        return await users.deactivate_user(change.connection, act.access.user.id)


@operation("reactivate a user", Role.ADMINISTRATOR, Door.CONSOLE, Door.CLI)
async def reactivate_user(act: Act[UserAccess]) -> AccountUser:
    """Let the user in again, with the same keys and password."""
    async with act.change() as change:
        return await users.reactivate_user(change.connection, act.access.user.id)


@operation("reset a password", Role.ADMINISTRATOR, Door.CONSOLE, Door.CLI)
async def reset_password(act: Act[UserAccess]) -> tuple[str, str]:
    """Give the user a first password, which has to be changed at the sign-in; their sessions end.

    Returns their e-mail address and the password.
    """
    password = passwords.make_password()
    hashed = await passwords.hash_password(password)
    async with act.change() as change:
        await passwords.keep_password(change.connection, act.access.user.id, hashed, must_change=True)
    return act.access.user.email, password


@operation("change the password", Role.MEMBER, Door.CONSOLE)
async def change_password(act: Act[UserAccess], present: str, new: str, throttle: Throttle) -> None:
    """Let the user sign in with `new` from now on; all their sessions end. `throttle` slows whoever guesses `present`.

    Raises `InvalidInput` if `present` is wrong or `new` is none to choose.
    """
    user = act.access.user
    try:
        async with throttle.attempt(act.access.actor.address or "", user.email, present):
            await passwords.check_present_password(act.pool, user.email, present)
    except NotAuthenticated as error:
        raise InvalidInput(error.message) from None
    if new == present:
        raise InvalidInput("This is the password that you have. Choose another one.")
    hashed = await passwords.hash_password(new)
    async with act.change() as change:
        await passwords.keep_password(change.connection, user.id, hashed, must_change=False)


@operation("make a developer key", Role.MEMBER, Door.CONSOLE, Door.CLI)
async def add_key(act: Act[UserAccess]) -> NewKey:
    """Give the user one more key, which nobody can read a second time."""
    async with act.change() as change:
        key = await keys.add_key(change.connection, act.access.user.id)
        change.subject = f"key {key.id}"
    return key


@operation("revoke a developer key", Role.MEMBER, Door.CONSOLE, Door.CLI)
async def revoke_key(act: Act[KeyAccess]) -> DeveloperKey:
    """Let the key open nothing any more, at once. A second time does nothing new."""
    async with act.change() as change:
        return await keys.revoke_key(change.connection, act.access.key_id)
