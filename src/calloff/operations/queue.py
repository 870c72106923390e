"""What stops a deployment's queue and lets it go on, and what calls off one of its calls."""

from dataclasses import dataclass

from calloff.accounts.access import Permission
from calloff.calls import cancel as calls
from calloff.db.pool import Pool
from calloff.domain.calls import CallStatus
from calloff.domain.codes import Code, Said
from calloff.domain.errors import NotFound
from calloff.operations.access import Actor, DeploymentAccess, Door, Right, to_deployment
from calloff.operations.operation import Act, Record, operation
from calloff.reports.read import find_call

NO_CALL = Said(Code.CALL_NOT_FOUND, "No call was found by that call id.")


@dataclass(frozen=True, slots=True)
class CallAccess(DeploymentAccess):
    """What an actor may do with one call."""

    call: CallStatus

    @property
    def subject(self) -> str:
        """How the audit log names the place."""
        return f"call {self.call.call_id}"

    def refusal(self, right: Right) -> str:
        """What to say to whoever lacks that right here."""
        return f"You are not permitted to {right} this call. Ask the application's owner to share it."


async def to_call(pool: Pool, actor: Actor, call_id: int) -> CallAccess:
    """The access to a call. Raises `NotFound` if it does not exist or is another account's."""
    call = await find_call(pool, call_id)
    if call is None:
        raise NotFound(NO_CALL)
    place = await to_deployment(pool, actor, call.deployment_id, missing=NO_CALL)
    return CallAccess(
        actor,
        place.account_id,
        place.may,
        place.application_id,
        place.deployment_id,
        call,
        is_deleted=place.is_deleted,
        country=place.country,
    )


@operation("call everything off", Permission.CANCEL, Door.API, Door.CONSOLE, record=Record.CANCELLATION)
async def call_everything_off(act: Act[DeploymentAccess], *, hangs_up: bool = False) -> int:
    """Call off every pending call; when this returns, none of them is ever dialed. Returns the new epoch.

    With `hangs_up`, what is dialing or connected is ended, too: CANCEL or BYE for all of it at once.
    Its cancellation is its record, too. Raises `OutcomeUnknown`: then it has to be asked for again.
    """
    actor = act.access.actor
    return await calls.cancel_pending(
        act.pool, act.access.deployment_id, user_id=actor.user_id, origin=actor.origin, hangs_up=hangs_up
    )


@operation("call off one call", Permission.CANCEL, Door.API, Door.CONSOLE, even_deleted=True)
async def call_off_one_call(act: Act[CallAccess]) -> None:
    """Call off one call. Raises `NotPending` if it is dialing, connected or over, and `OutcomeUnknown`."""
    await calls.cancel_call(act.pool, act.access.deployment_id, act.access.call.call_id, act.entry())


@operation("pause", Permission.CANCEL, Door.API, Door.CONSOLE, Door.CLI)
async def pause(act: Act[DeploymentAccess]) -> None:
    """Start nothing more until it is resumed; what is dialing or connected goes on. Raises `OutcomeUnknown`."""
    await calls.pause(act.pool, act.access.deployment_id, act.entry())


@operation("resume", Permission.QUEUE, Door.API, Door.CONSOLE, Door.CLI)
async def resume(act: Act[DeploymentAccess]) -> None:
    """Undo a pause; what is due starts at once. Raises `OutcomeUnknown`."""
    await calls.resume(act.pool, act.access.deployment_id, act.entry())
