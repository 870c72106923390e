"""Turns declared settings into options of the commands that change them."""

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar

import typer

from calloff.config import Settings
from calloff.domain.errors import InvalidInput
from calloff.domain.settings import Kind, Setting

P = ParamSpec("P")
R = TypeVar("R")

_NONE = "none"


def with_changes(
    settings: Mapping[str, Setting], *, but: Collection[str] = ()
) -> Callable[
    [Callable[Concatenate[Settings, dict[str, Any], P], R]],
    Callable[Concatenate[Settings, P], R],
]:
    """Give a command an option for each of the settings, `but` these, and what was given by them, by name.

    What is left out is not among it; None is for what the word `none` takes away.
    """
    options = {name: setting for name, setting in settings.items() if name not in but}

    def decorate(
        function: Callable[Concatenate[Settings, dict[str, Any], P], R],
    ) -> Callable[Concatenate[Settings, P], R]:
        @wraps(function)
        def run(calloff: Settings, /, *args: P.args, **kwargs: P.kwargs) -> R:
            given = {name: kwargs.pop(name) for name in options}
            changes = {name: _read(options[name], value) for name, value in given.items() if value is not None}
            return function(calloff, changes, *args, **kwargs)

        signature = inspect.signature(function, eval_str=True)
        first, _, *own = signature.parameters.values()
        parameters = [first, *own, *(_parameter(setting) for setting in options.values())]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        del run.__wrapped__
        return run

    return decorate


def option_of(setting: Setting) -> str:
    """How the option of a setting is called, such as `--calls-per-second`."""
    return f"--{setting.about.option or setting.name.replace('_', '-')}"


def _parameter(setting: Setting) -> inspect.Parameter:
    option, about = option_of(setting), setting.about
    says = [f"{about.title}.", about.says, f"'{_NONE}': {about.none}." if about.none else ""]
    said = " ".join(each for each in says if each)
    type_: Any = str | None
    names, metavar = option, None
    match setting.kind:
        case Kind.SWITCH:
            type_, names = bool | None, f"{option}/--no-{option[2:]}"
        case Kind.CHOICE:
            type_ = Literal[tuple(setting.choices)] | None
        case Kind.WHOLE | Kind.DECIMAL:
            metavar = "NUMBER"
        case Kind.TEXTS:
            metavar = "A,B,…"
    kind = typer.Option(names, help=said, metavar=metavar, show_default=False)
    return inspect.Parameter(
        setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[type_, kind]
    )


def _read(setting: Setting, value: object) -> Any:
    if not isinstance(value, str):
        return value
    if value == _NONE and setting.is_optional:
        return None
    try:
        return setting.parse(value)
    except InvalidInput as error:
        raise InvalidInput(f"{option_of(setting)}: {error.message}", field=setting.name) from None
