"""Settings as the fields of a form, by what is declared of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from calloff.accounts.trunks import TrunkRecord
from calloff.domain.errors import InvalidInput
from calloff.domain.settings import Kind, Setting

_ALWAYS_SET = (Kind.CHOICE, Kind.SWITCH)


def read_settings(form: Mapping[str, str], settings: Mapping[str, Setting]) -> dict[str, Any]:
    """What a form says of these settings; None is for what it takes away. Raises `InvalidInput` for the field.

    What the form has no field for is left out; a box without its tick is one. Secrets go ways of their own.
    """
    given: dict[str, Any] = {}
    for name, setting in settings.items():
        if setting.kind is Kind.SWITCH:
            given[name] = form.get(name) == "true"
        elif name in form and setting.kind is not Kind.SECRET:
            given[name] = _read(form[name], setting)
    return given


def fill_in(settings: Mapping[str, Setting], values: Mapping[str, Any]) -> dict[str, str]:
    """What the fields of these settings hold before somebody changes them."""
    return {
        name: setting.write(values.get(name, setting.default if setting.kind in _ALWAYS_SET else None))
        for name, setting in settings.items()
        if setting.kind is not Kind.SECRET
    }


def trunk_names(trunks: Iterable[TrunkRecord]) -> dict[int, str]:
    """Each trunk's ID, and how a list of choices calls it."""
    return {trunk.id: f"{trunk.name} (sandbox)" if trunk.kind == "simulated" else trunk.name for trunk in trunks}


def _read(text: str, setting: Setting) -> Any:
    if text.strip():
        return setting.parse(text)
    if setting.is_optional:
        return None
    raise InvalidInput(f"{setting.about.title} is missing. Give it.", field=setting.name)
