"""Session timers (RFC 4028): who refreshes, when, and when a session that was not refreshed is over."""

from dataclasses import dataclass
from typing import Final

from calloff.sip.errors import Malformed
from calloff.sip.headers import SessionExpires, number
from calloff.sip.message import Header, Message

FLOOR: Final = 90
"""No interval is shorter (section 5)."""


@dataclass(slots=True)
class SessionTimer:
    """The interval that holds for a session; `seconds` 0: none."""

    seconds: int = 0
    ours: bool = False
    """Whether we refresh."""

    def next_alarm(self, now: float) -> float | None:
        """When we refresh (half the interval), or when theirs failed to come (section 10); None without a timer."""
        if not self.seconds:
            return None
        return now + (self.seconds / 2 if self.ours else self.seconds - min(32, self.seconds / 3))

    def agreed_by_response(self, response: Message) -> None:
        """Take what the 2xx to a request of ours says: we are its UAC (section 7.2)."""
        given = session_expires(response)
        if given is None:
            self.seconds = 0
            return
        self.seconds = max(given.seconds, FLOOR)
        self.ours = given.refresher != "uas"

    def agreed_by_request(self, request: Message) -> list[Header]:
        """Take what a request of theirs says, and return the headers of our 2xx: we are its UAS (section 9)."""
        given = session_expires(request)
        if given is None:
            self.seconds = 0
            return []
        self.seconds = max(given.seconds, FLOOR)
        theirs = "timer" in request.tokens("supported")
        refresher = given.refresher or ("uac" if theirs else "uas")
        self.ours = refresher == "uas"
        headers = [("session-expires", f"{self.seconds};refresher={refresher}")]
        return [*headers, ("require", "timer")] if theirs else headers

    def headers(self) -> list[Header]:
        """Of a refresh of ours."""
        if not self.seconds:
            return []
        return [("session-expires", f"{self.seconds};refresher={'uac' if self.ours else 'uas'}")]


def session_expires(message: Message) -> SessionExpires | None:
    """The Session-Expires of a message; one that cannot be read counts as none."""
    value = message.get("session-expires")
    try:
        return SessionExpires.parse(value) if value else None
    except Malformed:
        return None


def demanded(response: Message) -> int | None:
    """The Min-SE of a 422 (section 7.3); None if it has none that can be met within a day."""
    value = message_value(response)
    try:
        return number(value, 86400) if value else None
    except Malformed:
        return None


def message_value(response: Message) -> str | None:
    """Min-SE without its parameters."""
    value = response.get("min-se")
    return value.partition(";")[0].strip() if value else None
