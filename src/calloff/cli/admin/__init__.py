"""`calloff admin`: what the operator changes, in the database itself."""

import typer

from calloff.cli.admin.accounts import accounts, keys, users
from calloff.cli.admin.applications import applications, share
from calloff.cli.admin.callbacks import callbacks
from calloff.cli.admin.deployments import deployments
from calloff.cli.admin.messages import messages
from calloff.cli.admin.rules import do_not_call, set_destinations_command, set_hours_command
from calloff.cli.admin.trunks import trunks

admin = typer.Typer(
    name="admin", help="Accounts, users, keys, applications, deployments, messages and trunks.", no_args_is_help=True
)
for group in (accounts, users, keys, applications, deployments, messages, trunks, callbacks, do_not_call):
    admin.add_typer(group)
admin.command()(share)
accounts.command("destinations")(set_destinations_command)
accounts.command("hours")(set_hours_command)
