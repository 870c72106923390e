"""`calloff admin deployment`."""

from typing import Annotated, Any, cast

import typer

from calloff.accounts.callback_keys import current_key
from calloff.accounts.deployments import Deployment, DeploymentSettings, find_deployment, list_deployments
from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import list_trunks
from calloff.cli.admin.database import at_application, at_deployment, carry_out, on_database
from calloff.cli.changes import with_changes
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show, show_list, show_values
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.domain.errors import InvalidInput
from calloff.domain.settings import settings_of
from calloff.operations import deployments as operations
from calloff.operations import queue

deployments = typer.Typer(
    name="deployment", help="Where calls are queued, and how they are dialed.", no_args_is_help=True
)

_SETTINGS = settings_of(DeploymentSettings)


@deployments.command("add")
@with_settings("admin")
@with_changes(_SETTINGS, but=["name", "trunk_id"])
def add_deployment_command(
    settings: Settings,
    changes: dict[str, Any],
    name: str,
    application: Annotated[int, typer.Option("--app", help="ID of the application.")],
    trunk: Annotated[int | None, typer.Option(help="ID of the trunk; may be left out where there is only one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a deployment to an application."""

    async def work(pool: Pool) -> Deployment:
        trunk_id = await _only_trunk(pool) if trunk is None else trunk
        access = await at_application(application)(pool)
        return await operations.add_deployment(pool, access, name, trunk_id, cast(DeploymentSettings, changes))

    made = on_database(settings, work)
    sentence = f"Deployment {made.id} ({made.name}) was made. Queue calls at /api/apps/{application}/{made.id}/queue."
    show(made, sentence, as_json=as_json)


@deployments.command("list")
@with_settings("admin")
def list_deployments_command(
    settings: Settings,
    application: Annotated[int | None, typer.Option("--app", help="ID of an application; else of all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the deployments, deleted ones too."""
    found = on_database(settings, lambda pool: list_deployments(pool, application_id=application))
    show_list("deployments", found, as_json=as_json)


@deployments.command("set")
@with_settings("admin")
@with_changes(_SETTINGS)
def set_deployment_command(
    settings: Settings, changes: dict[str, Any], deployment_id: int, as_json: AsJson = False
) -> None:
    """Change settings of a deployment, for the next calls that are dialed."""
    if not changes:
        raise typer.BadParameter("Give at least one setting to change.")
    changed = carry_out(
        settings, at_deployment(deployment_id), operations.set_deployment, cast(DeploymentSettings, changes)
    )
    show(changed, f"Deployment {changed.id} ({changed.name}) is set.", as_json=as_json)


@deployments.command("pause")
@with_settings("admin")
def pause_deployment_command(settings: Settings, deployment_id: int, as_json: AsJson = False) -> None:
    """Start nothing more in a deployment; what is dialing or connected goes on to its own end."""
    carry_out(settings, at_deployment(deployment_id), queue.pause)
    show_values({"id": deployment_id, "paused": True}, f"Deployment {deployment_id} is paused.", as_json=as_json)


@deployments.command("resume")
@with_settings("admin")
def resume_deployment_command(settings: Settings, deployment_id: int, as_json: AsJson = False) -> None:
    """Undo a pause."""
    carry_out(settings, at_deployment(deployment_id), queue.resume)
    show_values({"id": deployment_id, "paused": False}, f"Deployment {deployment_id} goes on.", as_json=as_json)


@deployments.command("delete")
@with_settings("admin")
def delete_deployment_command(settings: Settings, deployment_id: int, as_json: AsJson = False) -> None:
    """Delete a deployment, and call off everything that is pending there."""
    carry_out(settings, at_deployment(deployment_id), operations.delete_deployment)
    sentence = f"Deployment {deployment_id} is deleted, and what was pending there is called off."
    show_values({"id": deployment_id}, sentence, as_json=as_json)


@deployments.command("callback-key")
@with_settings("admin")
def callback_key_command(settings: Settings, deployment_id: int, as_json: AsJson = False) -> None:
    """Print the key that signs the deployment's callbacks."""
    box = SecretBox.open(settings.data_dir, settings.secret_key)

    async def work(pool: Pool) -> str:
        await find_deployment(pool, deployment_id)
        return await current_key(pool, box, deployment_id)

    key = on_database(settings, work)
    show_values({"id": deployment_id, "callback_key": key}, key, as_json=as_json)


@deployments.command("rotate-callback-key")
@with_settings("admin")
def rotate_callback_key_command(settings: Settings, deployment_id: int, as_json: AsJson = False) -> None:
    """Make a new key for callbacks; for a day, they are signed with the former one, too."""
    box = SecretBox.open(settings.data_dir, settings.secret_key)
    key = carry_out(settings, at_deployment(deployment_id), operations.rotate_callback_key, box)
    show_values({"id": deployment_id, "callback_key": key}, key, as_json=as_json)


async def _only_trunk(pool: Pool) -> int:
    found = await list_trunks(pool)
    if len(found) != 1:
        raise InvalidInput(
            "There is not exactly one trunk. Name one with --trunk, or add one with: calloff admin trunk add"
        )
    return found[0].id
