"""What the operator may set of a trunk, checked when it is set and read when the trunk is made.

A SIP trunk's password is not kept as it is: the settings hold either `password_env`, the name of an environment
variable of the dialers, or `password_encrypted`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import TrunkKind, TrunkRecord
from calloff.domain.errors import InvalidInput, NotConfigured
from calloff.trunks.sip_settings import SipTrunkSettings


@dataclass(frozen=True, slots=True)
class SimulatedTrunkSettings:
    """The sandbox's."""

    speed: float = 1.0
    """How many times faster than life everything happens."""

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise NotConfigured("The speed of a simulated trunk must be more than 0.", field="speed")


AnyTrunkSettings: TypeAlias = SimulatedTrunkSettings | SipTrunkSettings

_TYPES: dict[str, type[AnyTrunkSettings]] = {"simulated": SimulatedTrunkSettings, "sip": SipTrunkSettings}


def seal_settings(kind: TrunkKind, settings: Mapping[str, Any], box: SecretBox) -> dict[str, Any]:
    """`settings` as they are kept, with the password encrypted. Raises `InvalidInput` if they make no trunk."""
    if len(settings.keys() & {"password", "password_env", "password_encrypted"}) > 1:
        raise InvalidInput(
            "A trunk has one password. Give it, or the name of its environment variable, not both.", field="password"
        )
    named = {key: value for key, value in settings.items() if key not in ("password_env", "password_encrypted")}
    _read(kind, named)
    sealed = dict(settings)
    if "password" in sealed:
        sealed["password_encrypted"] = box.encrypt(str(sealed.pop("password")))
    return sealed


def open_settings(kind: TrunkKind, sealed: Mapping[str, Any], box: SecretBox) -> AnyTrunkSettings:
    """The settings that `seal_settings` made. Raises `NotConfigured` if the password cannot be had."""
    settings = dict(sealed)
    encrypted, variable = settings.pop("password_encrypted", None), settings.pop("password_env", None)
    if encrypted is not None:
        settings["password"] = box.decrypt(encrypted)
    elif variable is not None:
        if variable not in os.environ:
            raise NotConfigured(f"The password of a trunk is to be in {variable}. Set it for the dialers.")
        settings["password"] = os.environ[variable]
    try:
        return _read(kind, settings)
    except InvalidInput as error:
        raise NotConfigured(error.message) from error


def _read(kind: TrunkKind, settings: Mapping[str, Any]) -> AnyTrunkSettings:
    known = [each.name for each in fields(_TYPES[kind])]
    unknown = settings.keys() - set(known)
    if unknown:
        raise InvalidInput(f"A {kind} trunk has no setting {min(unknown)}. It has {', '.join(known)}.")
    try:
        return TypeAdapter(_TYPES[kind]).validate_python(dict(settings))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "The setting"
        raise InvalidInput(f"{name} of a {kind} trunk cannot be used: {first['msg'].lower()}.", field=name) from None
    except NotConfigured as error:
        raise InvalidInput(error.message, field=error.field) from error


def hide_secrets(trunk: TrunkRecord) -> TrunkRecord:
    """The trunk as it may be shown to anybody."""
    hidden = {key: "***" if key == "password_encrypted" else value for key, value in trunk.settings.items()}
    return replace(trunk, settings=hidden)
