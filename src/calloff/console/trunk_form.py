"""A trunk's settings as a form has them. A password goes in only: no page ever shows it again."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from calloff.accounts.trunks import TrunkKind, TrunkRecord, TrunkSettings
from calloff.console.fields import decimal, whole
from calloff.domain.errors import InvalidInput

Seal: TypeAlias = Callable[[TrunkKind, Mapping[str, Any]], Mapping[str, Any]]
"""Checks the settings of a kind of trunk, and returns them as they are kept; raises `InvalidInput` for the field."""
CODECS = {
    "pcmu,pcma": "G.711 µ-law, then A-law",
    "pcma,pcmu": "G.711 A-law, then µ-law",
    "pcmu": "G.711 µ-law only",
    "pcma": "G.711 A-law only",
}
CALLER_ID_HEADERS = {"from": "From", "pai": "P-Asserted-Identity", "rpid": "Remote-Party-ID"}
_TEXTS = ("uri", "user", "auth_user")
_SECRETS = ("password_encrypted", "password_env")
_KNOWN = {"simulated": {"speed"}, "sip": {*_TEXTS, *_SECRETS, "caller_id_header", "srtp", "codecs", "session_timeout"}}


def read_trunk(form: Mapping[str, str], kind: TrunkKind, kept: Mapping[str, Any], seal: Seal) -> TrunkSettings:
    """All that the form says of a trunk, whose settings so far are `kept`. Raises `InvalidInput` for the field."""
    settings = {name: value for name, value in kept.items() if name not in _KNOWN[kind]}
    settings |= _read_sip(form, kept) if kind == "sip" else _given(speed=decimal(form, "speed", "The speed"))
    return {
        "name": form.get("name", ""),
        "settings": seal(kind, settings),
        "max_concurrent_calls": whole(form, "max_concurrent_calls", "The limit of calls at once"),
        "calls_per_second": decimal(form, "calls_per_second", "The pace"),
    }


def fill_form(trunk: TrunkRecord) -> dict[str, str]:
    """What the form of a trunk holds before somebody changes it, without its password."""
    shown = {name: value for name, value in trunk.settings.items() if name != "password_encrypted"}
    shown["codecs"] = ",".join(shown.get("codecs", ()))
    shown["srtp"] = "1" if str(shown.get("srtp", False)).lower() in ("1", "true", "yes", "on") else ""
    shown |= {
        "name": trunk.name,
        "max_concurrent_calls": trunk.max_concurrent_calls or "",
        "calls_per_second": trunk.calls_per_second or "",
    }
    return {name: str(value) for name, value in shown.items()}


def _read_sip(form: Mapping[str, str], kept: Mapping[str, Any]) -> dict[str, Any]:
    if not form.get("uri", "").strip():
        raise InvalidInput("Give the carrier's address, like sip:carrier.example;transport=tls.", field="uri")
    return {
        **_given(**{name: form.get(name, "").strip() or None for name in _TEXTS}),
        **_given(session_timeout=decimal(form, "session_timeout", "The longest call")),
        **_given(caller_id_header=form.get("caller_id_header") or None),
        **_given(codecs=form["codecs"].split(",") if form.get("codecs") else None),
        "srtp": form.get("srtp") == "1",
        **_read_password(form, kept),
    }


def _read_password(form: Mapping[str, str], kept: Mapping[str, Any]) -> dict[str, Any]:
    """A new password, or the variable that holds it, or what there was; both at once are refused when it is sealed."""
    given = _given(password=form.get("password") or None, password_env=form.get("password_env", "").strip() or None)
    if given or form.get("no_password") == "1":
        return given
    return _given(password_encrypted=kept.get("password_encrypted"))


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
