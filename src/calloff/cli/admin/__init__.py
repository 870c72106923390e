"""`calloff admin`: what the operator changes, in the database itself."""

import typer

from calloff.cli.admin.accounts import accounts, keys, users
from calloff.cli.admin.applications import applications, share
from calloff.cli.admin.callbacks import callbacks
from calloff.cli.admin.deployments import deployments
from calloff.cli.admin.messages import messages
from calloff.cli.admin.trunks import trunks

admin = typer.Typer(
    name="admin", help="Accounts, users, keys, applications, deployments, messages and trunks.", no_args_is_help=True
)
for group in (accounts, users, keys, applications, deployments, messages, trunks, callbacks):
    admin.add_typer(group)
admin.command()(share)
