"""What the operator may set of a trunk, checked when it is set and read when the trunk is made.

A SIP trunk's password is not kept as it is: the settings hold either `password_env`, the name of an environment
variable of the dialers, or `password_encrypted`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import TrunkKind, TrunkRecord
from calloff.domain.errors import InvalidInput, NotConfigured
from calloff.domain.settings import About, check, settings_of
from calloff.operations.trunks import TrunkKinds
from calloff.trunks.sip_settings import SipTrunkSettings


@dataclass(frozen=True, slots=True)
class SimulatedTrunkSettings:
    """The sandbox's."""

    speed: Annotated[
        float, About("Times faster than life", "How fast everything happens.", at_least=0.001, at_most=1000)
    ] = 1.0


AnyTrunkSettings: TypeAlias = SimulatedTrunkSettings | SipTrunkSettings

_TYPES: dict[TrunkKind, type[AnyTrunkSettings]] = {"simulated": SimulatedTrunkSettings, "sip": SipTrunkSettings}
SETTINGS = {kind: settings_of(type_) for kind, type_ in _TYPES.items()}
"""What can be set of each kind, beside what all have."""


def seal_settings(kind: TrunkKind, settings: Mapping[str, Any], box: SecretBox) -> dict[str, Any]:
    """`settings` as they are kept, with the password encrypted. Raises `InvalidInput` if they make no trunk."""
    if len(settings.keys() & {"password", "password_env", "password_encrypted"}) > 1:
        raise InvalidInput(
            "A trunk has one password. Give it, or the name of its environment variable, not both.", field="password"
        )
    named = {key: value for key, value in settings.items() if key not in ("password_env", "password_encrypted")}
    check(_TYPES[kind], named)
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
        return check(_TYPES[kind], settings)
    except InvalidInput as error:
        raise NotConfigured(error.message) from error


def trunk_kinds(open_box: Callable[[], SecretBox]) -> TrunkKinds:
    """What doors know of the kinds of trunks. The box is opened when one is set: only then has there to be a key."""
    return TrunkKinds(
        settings=SETTINGS,
        seal=lambda kind, given: seal_settings(kind, given, open_box()),
    )


def hide_secrets(trunk: TrunkRecord) -> TrunkRecord:
    """The trunk as it may be shown to anybody."""
    hidden = {key: "***" if key == "password_encrypted" else value for key, value in trunk.settings.items()}
    return replace(trunk, settings=hidden)
