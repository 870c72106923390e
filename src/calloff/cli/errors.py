"""Errors as the command line shows them: one sentence on standard error, and exit code 1."""

import sys
from typing import Any

import psycopg
import typer

from calloff.domain.errors import CalloffError
from calloff.wiring.logs import traceback_of


class App(typer.Typer):
    """A Typer application that shows no stack trace for an error that somebody can mend."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that the arguments name, and exit."""
        try:
            return super().__call__(*args, **kwargs)
        except CalloffError as error:
            _fail(error.message)
        except psycopg.OperationalError:
            _fail("The database broke off. Look at its log, and see what has changed before you ask again.")
        except Exception as error:
            _fail(f"{traceback_of(error)}\nThis is a fault of Calloff's. Report it with the lines above.")


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    sys.exit(1)
