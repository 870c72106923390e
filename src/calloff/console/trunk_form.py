"""A trunk's settings as a form has them. A password goes in only: no page ever shows it again."""

from collections.abc import Mapping
from typing import Any

from calloff.accounts.trunks import TrunkKind, TrunkRecord, TrunkSettings
from calloff.console.fields import decimal, whole
from calloff.domain.errors import InvalidInput

CODECS = {
    "pcmu,pcma": "G.711 µ-law, then A-law",
    "pcma,pcmu": "G.711 A-law, then µ-law",
    "pcmu": "G.711 µ-law only",
    "pcma": "G.711 A-law only",
}
CALLER_ID_HEADERS = {"from": "From", "pai": "P-Asserted-Identity", "rpid": "Remote-Party-ID"}
_TEXTS = ("uri", "user", "auth_user")


def read_trunk(form: Mapping[str, str], kind: TrunkKind) -> TrunkSettings:
    """All that the form says of a trunk; None is for what it takes away. Raises `InvalidInput` for the field."""
    settings = _read_sip(form) if kind == "sip" else {"speed": decimal(form, "speed", "The speed")}
    return {
        "name": form.get("name", ""),
        "settings": settings,
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


def _read_sip(form: Mapping[str, str]) -> dict[str, Any]:
    if not form.get("uri", "").strip():
        raise InvalidInput("Give the carrier's address, like sip:carrier.example;transport=tls.", field="uri")
    return {
        **{name: form.get(name, "").strip() or None for name in _TEXTS},
        "session_timeout": decimal(form, "session_timeout", "The longest call"),
        "caller_id_header": form.get("caller_id_header") or None,
        "codecs": form["codecs"].split(",") if form.get("codecs") else None,
        "srtp": form.get("srtp") == "1",
        **_read_password(form),
    }


def _read_password(form: Mapping[str, str]) -> dict[str, Any]:
    """A new password, or the variable that holds it; what there was is left alone unless it is to be forgotten."""
    variable = form.get("password_env", "").strip() or None
    if form.get("no_password") == "1":
        return {"password": form.get("password") or None, "password_env": variable, "password_encrypted": None}
    return {"password": form.get("password") or None, "password_env": variable}
