"""Turns what a page knows into HTML; everything is escaped unless it was made here."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from calloff.console.visitor import FORM_TOKEN, current_session
from calloff.domain.calls import CallStatus
from calloff.domain.phone import mask

STATIC = Path(__file__).parent / "static"

_LABELS = {
    "queued": "Queued",
    "dialing": "Dialing",
    "connected": "Connected",
    "completed": "Completed",
    "failed": "Failed",
    "canceled": "Canceled",
    "answered": "Answered",
    "busy": "Busy",
    "no_answer": "No answer",
    "declined": "Declined",
    "invalid_number": "Invalid number",
    "rejected": "Rejected by the carrier",
    "carrier_error": "Carrier error",
    "unknown": "Unknown",
    "expired": "Expired",
    "not_permitted": "Not permitted",
    "held": "Held until the calling hours",
    "refused": "Refused by a rule",
    "voice": "Person",
    "answeringmachine": "Answering machine",
    "fax": "Fax",
    "processing": "Listening",
    "disconnected": "Disconnected",
}


def _count(number: int) -> str:
    """With a thin space between thousands (SI)."""
    return f"{number:,}".replace(",", "\u202f")


def _time(moment: datetime | float | None) -> Markup:
    """A moment, which the page's script shows in the reader's own time zone."""
    if moment is None:
        return Markup("&ndash;")
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        utc.isoformat(timespec="milliseconds"), utc.strftime("%Y-%m-%d %H:%M:%S")
    )


def shown_number(call: CallStatus) -> str:
    """The call's number, masked if it is to be kept from screens."""
    return mask(call.phone_number) if call.is_pci else call.phone_number


_templates = Environment(
    loader=PackageLoader("calloff.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    {
        "count": _count,
        "moment": _time,
        "label": lambda name: _LABELS.get(name, str(name).capitalize()),
        "number": shown_number,
    }
)


def fragment(template: str, **values: Any) -> str:
    """A part of a page."""
    return _templates.get_template(template).render(values)


async def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page for whoever is signed in."""
    session = await current_session(request)
    values |= {
        "root": request.scope["root_path"],
        "path": request.url.path,
        "session": session,
        "form_token": Markup('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN, session.form_token)
        if session
        else "",
    }
    return HTMLResponse(_templates.get_template(template).render(values), status)


async def error_page(request: Request, status: int, message: str) -> HTMLResponse:
    """What went wrong, in a sentence, without needing the database."""
    if not hasattr(request.state, "session"):
        request.state.session = None
    return await page(request, "error.html", status=status, message=message)
