"""Turns the settings into options of the commands that use them."""

import inspect
import os
from collections.abc import Callable
from dataclasses import MISSING
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, cast, get_type_hints

import typer

from calloff.config import Command, Settings, envvar, misspelled, option, settings_of

P = ParamSpec("P")
R = TypeVar("R")


def with_settings(
    command: Command | None = None,
) -> Callable[[Callable[Concatenate[Settings, P], R]], Callable[P, R]]:
    """Give a function an option for each setting that `command` uses (None: for all), and the `Settings` they make.

    What is not given as an option is taken from its environment variable.
    """
    names = [setting.name for setting in settings_of(command)]

    def decorate(function: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            for given, meant in misspelled(os.environ).items():
                typer.echo(f"{given} is set, and nothing reads it. Is it {meant} that was meant?", err=True)
            settings = Settings(**cast(dict[str, Any], {name: kwargs.pop(name) for name in names}))
            return function(settings, *args, **kwargs)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        parameters = [*own, *_parameters(command)]
        # Typer reads the signature to find the options.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        del run.__wrapped__
        return run

    return decorate


def _parameters(command: Command | None) -> list[inspect.Parameter]:
    types = get_type_hints(Settings)
    found = []
    for setting in settings_of(command):
        default: Any = setting.default if setting.default_factory is MISSING else setting.default_factory()
        kind = typer.Option(
            option(setting),
            envvar=envvar(setting),
            help=setting.metadata["help"],
            show_default=default is not None,
            rich_help_panel="Settings",
        )
        found.append(
            inspect.Parameter(
                setting.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=default,
                annotation=Annotated[types[setting.name], kind],
            )
        )
    return found
