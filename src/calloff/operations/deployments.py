"""Deployments: created, set and deleted; and the callbacks of each."""

from calloff.accounts import callback_keys, deployments
from calloff.accounts.access import Permission
from calloff.accounts.deployments import Deployment, DeploymentSettings
from calloff.accounts.secrets import SecretBox
from calloff.calls import redeliver
from calloff.domain.entries import differences
from calloff.domain.errors import NotFound
from calloff.domain.phone import mask
from calloff.operations.access import ApplicationAccess, DeploymentAccess, Door
from calloff.operations.operation import Act, operation


@operation("create a deployment", Permission.ADMINISTER, Door.CONSOLE, Door.CLI)
async def add_deployment(
    act: Act[ApplicationAccess], name: str, trunk_id: int, settings: DeploymentSettings | None = None
) -> Deployment:
    """Make a deployment with an empty queue. Raises `InvalidInput`, or `NotFound` for the trunk."""
    async with act.change() as change:
        made = await deployments.add_deployment(change.connection, act.access.application_id, name, trunk_id, settings)
        change.subject = f"deployment {made.id}"
    return made


@operation("change the settings", Permission.ADMINISTER, Door.CONSOLE, Door.CLI)
async def set_deployment(act: Act[DeploymentAccess], settings: DeploymentSettings) -> Deployment:
    """Change these settings, for the next calls that are dialed. Raises `InvalidInput`, or `NotFound` for the trunk."""
    async with act.change() as change:
        before = await deployments.lock_deployment(change.connection, act.access.deployment_id)
        after = await deployments.set_deployment(change.connection, act.access.deployment_id, settings)
        change.values = differences(before, after)
        if "caller_id" in change.values:
            old, new = change.values["caller_id"]
            change.values["caller_id"] = (old and mask(old), new and mask(new))
    return after


@operation("delete a deployment", Permission.ADMINISTER, Door.CONSOLE, Door.CLI)
async def delete_deployment(act: Act[DeploymentAccess]) -> None:
    """Delete the deployment and call off what is pending in it. Raises `OutcomeUnknown`: then ask again."""
    actor = act.access.actor
    await deployments.delete_deployment(
        act.pool, act.access.deployment_id, user_id=actor.user_id, origin=actor.origin, entry=act.entry()
    )


@operation("make a callback key", Permission.ADMINISTER, Door.CLI)
async def rotate_callback_key(act: Act[DeploymentAccess], box: SecretBox) -> str:
    """Make and return a new key for callbacks; for a day, they are signed with the former one, too."""
    async with act.change() as change:
        return await callback_keys.rotate_key(change.connection, box, act.access.deployment_id)


@operation("send callbacks again", Permission.ADMINISTER, Door.CLI)
async def redeliver_callbacks(act: Act[DeploymentAccess], call_id: int | None = None) -> int:
    """Make the callback of one call due now, or all that were given up; returns how many. Raises `NotFound`."""
    deployment_id = act.access.deployment_id
    async with act.change() as change:
        count = await redeliver.redeliver(change.connection, deployment_id, call_id)
        if call_id is not None and not count:
            raise NotFound(f"Call {call_id} of deployment {deployment_id} has no callback. Look at `callback list`.")
    return count
