"""The command line. `app` is what the command `calloff` runs."""

from calloff.cli.admin import admin
from calloff.cli.bulk import bulk
from calloff.cli.cancel import cancel
from calloff.cli.client import add_client_commands
from calloff.cli.errors import App
from calloff.cli.export import export
from calloff.cli.lists import lists
from calloff.cli.processes import add_process_commands
from calloff.cli.show_config import config
from calloff.cli.verify import verify_receipt
from calloff.cli.version import print_version

app = App(
    name="calloff",
    help="Queue phone calls, dial them, and call them all off.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    callback=print_version,
)
add_process_commands(app)
app.add_typer(admin)
app.add_typer(lists)
add_client_commands(app)
app.command()(cancel)
app.command()(bulk)
app.command()(export)
app.command()(config)
app.command("verify")(verify_receipt)

__all__ = ["app"]
