"""`calloff admin callback`."""

from typing import Annotated

import typer

from calloff.accounts.deployments import Deployment, find_deployment
from calloff.cli.admin.database import on_database
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_list, show_values
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.domain.errors import NotFound
from calloff.webhooks.outbox import Callback, list_callbacks, redeliver

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
    count = 0

    async def work(pool: Pool) -> Deployment:
        nonlocal count
        found = await find_deployment(pool, deployment_id)
        count = await redeliver(pool, deployment_id, call)
        if call is not None and not count:
            raise NotFound(f"Call {call} of deployment {deployment_id} has no callback. Look at `callback list`.")
        return found

    on_database(settings, work, change="send callbacks again")
    show_values({"id": deployment_id, "redelivered": count}, f"{count} callbacks are due again.", as_json=as_json)
