"""A trunk's settings as a form has them. A password goes in only: no page ever shows it again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from calloff.accounts.trunks import TrunkLimits, TrunkRecord, TrunkSettings
from calloff.console.setting_fields import fill_in, read_settings
from calloff.domain.settings import Setting, settings_of


def read_trunk(form: Mapping[str, str], settings: Mapping[str, Setting]) -> TrunkSettings:
    """All that the form says of a trunk of the kind with these `settings`. Raises `InvalidInput` for the field."""
    of_its_kind = read_settings(form, settings)
    if "password" in settings:
        of_its_kind |= _read_password(form)
    return cast(TrunkSettings, {**read_settings(form, settings_of(TrunkLimits)), "settings": of_its_kind})


def fill_form(trunk: TrunkRecord, settings: Mapping[str, Setting]) -> dict[str, str]:
    """What the form of a trunk holds before somebody changes it, without its password."""
    variable = {"password_env": str(trunk.settings.get("password_env", ""))}
    return fill_in(settings_of(TrunkLimits), asdict(trunk)) | fill_in(settings, trunk.settings) | variable


def _read_password(form: Mapping[str, str]) -> dict[str, Any]:
    """A new password, or the variable that holds it; what there was is left alone unless it is to be forgotten."""
    variable = form.get("password_env", "").strip() or None
    if form.get("no_password") == "1":
        return {"password": form.get("password") or None, "password_env": variable, "password_encrypted": None}
    return {"password": form.get("password") or None, "password_env": variable}
