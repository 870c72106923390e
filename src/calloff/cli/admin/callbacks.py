"""`calloff admin callback`."""

from typing import Annotated

import typer

from calloff.accounts.deployments import find_deployment
from calloff.cli.admin.database import at_deployment, carry_out, on_database
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_list, show_values
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.operations.deployments import redeliver_callbacks
from calloff.reports.callbacks import Callback, list_callbacks

callbacks = typer.Typer(name="callback", help="The results on their way.", no_args_is_help=True)


@callbacks.command("list")
@with_settings("admin")
def list_callbacks_command(
    settings: Settings,
    deployment_id: int,
    undelivered: Annotated[bool, typer.Option("--undelivered", help="Only those that did not arrive yet.")] = False,
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=10000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List the callbacks of a deployment, of the newest calls first."""

    async def work(pool: Pool) -> list[Callback]:
        await find_deployment(pool, deployment_id)
        return await list_callbacks(pool, deployment_id, limit=limit, undelivered=undelivered)

    show_list("callbacks", on_database(settings, work), as_json=as_json)


@callbacks.command("redeliver")
@with_settings("admin")
def redeliver_command(
    settings: Settings,
    deployment_id: int,
    call: Annotated[int | None, typer.Option(help="ID of one call, whatever became of its callback.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send again what was given up, or the callback of one call."""
    count = carry_out(settings, at_deployment(deployment_id), redeliver_callbacks, call)
    show_values({"id": deployment_id, "redelivered": count}, f"{count} callbacks are due again.", as_json=as_json)
