"""Lists: what was uploaded, how far it is, and what stops one of them and lets it go on."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from calloff.accounts.access import Permission
from calloff.db.pool import Pool
from calloff.domain.call_lists import CallList
from calloff.domain.calls import CallStatus
from calloff.domain.errors import NotFound
from calloff.lists import registry
from calloff.lists.registry import NO_LIST
from calloff.operations.access import Access, Actor, DeploymentAccess, Door, Right, Role, to_deployment
from calloff.operations.operation import Act, Record, operation
from calloff.reports.list_results import calls_of_list


@dataclass(frozen=True, slots=True)
class ListAccess(DeploymentAccess):
    """What an actor may do with one list."""

    list: CallList

    @property
    def subject(self) -> str:
        """How the audit log names the place."""
        return f"list {self.list.list_id}"

    def refusal(self, right: Right) -> str:
        """What to say to whoever lacks that right here."""
        return f"You are not permitted to {right} this list. Ask the application's owner to share it."


async def to_list(pool: Pool, actor: Actor, list_id: int) -> ListAccess:
    """The access to a list. Raises `NotFound` if it does not exist or is another account's."""
    found = await registry.find_list(pool, list_id)
    if found is None:
        raise NotFound(NO_LIST)
    place = await to_deployment(pool, actor, found.deployment_id, missing=NO_LIST)
    return ListAccess(
        actor,
        place.account_id,
        place.may,
        place.application_id,
        place.deployment_id,
        found,
        is_deleted=place.is_deleted,
        country=place.country,
    )


@operation("list the lists", Role.MEMBER, Door.API, record=Record.NOTHING)
async def list_lists(act: Act[Access], *, limit: int, before: int | None = None) -> list[CallList]:
    """At most `limit` of the lists in the account that the actor may view, newest first, of IDs below `before`."""
    user = act.access.actor.user
    return await registry.find_lists(
        act.pool,
        limit=limit,
        before=before,
        account_id=act.account_id,
        user_id=user.user_id if user else None,
        is_administrator=user is None or user.is_administrator,
    )


@operation("list the lists of a deployment", Permission.VIEW, Door.CONSOLE, record=Record.NOTHING)
async def list_lists_of_deployment(
    act: Act[DeploymentAccess], *, limit: int, before: int | None = None
) -> list[CallList]:
    """The same for one deployment."""
    return await registry.find_lists(act.pool, limit=limit, before=before, deployment_id=act.access.deployment_id)


@operation("read a list", Permission.VIEW, Door.API, Door.CONSOLE, record=Record.NOTHING, even_deleted=True)
async def read_list(act: Act[ListAccess]) -> CallList:
    """How far it is."""
    return act.access.list


@operation(
    "read the results of a list", Permission.VIEW, Door.API, Door.CONSOLE, record=Record.NOTHING, even_deleted=True
)
async def read_list_results(act: Act[ListAccess]) -> AsyncIterator[Sequence[CallStatus]]:
    """Its calls in the order of its lines, in pages."""
    return calls_of_list(act.pool, act.access.list)


@operation("call a list off", Permission.CANCEL, Door.API, Door.CONSOLE, record=Record.CANCELLATION, even_deleted=True)
async def call_list_off(act: Act[ListAccess]) -> None:
    """Call off every pending call of the list, and nothing else; when this returns, none of them is ever dialed.

    Its cancellation is its record, too. Raises `OutcomeUnknown`: then it has to be asked for again.
    """
    actor = act.access.actor
    await registry.cancel_list(act.pool, act.access.list, user_id=actor.user_id, origin=actor.origin)


@operation("pause a list", Permission.CANCEL, Door.API, Door.CONSOLE)
async def pause_list(act: Act[ListAccess]) -> None:
    """Start nothing more of the list; what is dialing or connected goes on. Raises `OutcomeUnknown`."""
    await registry.pause_list(act.pool, act.access.list, act.entry(), paused=True)


@operation("resume a list", Permission.QUEUE, Door.API, Door.CONSOLE)
async def resume_list(act: Act[ListAccess]) -> None:
    """Undo a pause of the list; what is due starts at once. Raises `OutcomeUnknown`."""
    await registry.pause_list(act.pool, act.access.list, act.entry(), paused=False)
