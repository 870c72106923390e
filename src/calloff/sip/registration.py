"""Registration at a registrar (RFC 3261 section 10)."""

import secrets
from typing import Final

from calloff.sip.digest import Authenticator
from calloff.sip.errors import Malformed
from calloff.sip.events import NotRegistered, Registered
from calloff.sip.headers import NameAddress, number, retry_after
from calloff.sip.machine import Machine, Repeating
from calloff.sip.message import Header, Request, Response
from calloff.sip.setup import RegistrationSetup
from calloff.sip.uri import SipUri

_FIRST_PAUSE: Final = 15.0
_LONGEST_PAUSE: Final = 300.0
_LONGEST_EXPIRES: Final = 86_400
_AHEAD: Final = 60.0
"""Seconds before the registration would lapse at which it is renewed, or half its time, if that is longer than left."""


class Registration(Machine):
    """Made by `UserAgent.register`; renews itself, and tries again when it failed, less and less often."""

    def __init__(self, setup: RegistrationSetup, now: float) -> None:
        super().__init__(secrets.token_hex(16), setup.local, setup.timers, Authenticator(setup.credentials))
        self._setup = setup
        self._tag = secrets.token_hex(8)
        self._cseq = secrets.randbelow(2**16) + 1
        self._expires = setup.expires
        self._registered = False
        self._asking = False
        self._stopping = False
        self._done = False
        self._pause = _FIRST_PAUSE
        self._ask(now)

    @property
    def closed(self) -> bool:
        """Whether it was taken back."""
        return self._done

    def stop(self, now: float) -> None:
        """Take the contact back (Expires: 0), and be over with the response, or after 64·T1."""
        if not self._stopping:
            self._stopping = True
            self.alarms.clear()
            if not self._asking:
                self._take_back(now)
        self.changed()

    def _take_back(self, now: float) -> None:
        if self._registered:
            self._expires = 0
            self._ask(now)
        else:
            self._done = True

    def _ask(self, now: float) -> None:
        self._asking = True
        Repeating(self, self._build, self._respond, now)

    def _build(self, branch: str) -> tuple[Request, SipUri | None]:
        setup = self._setup
        self._cseq += 1
        return Request(
            "REGISTER",
            setup.registrar,
            [
                self.via(branch),
                ("max-forwards", "70"),
                ("from", f"<{setup.address_of_record}>;tag={self._tag}"),
                ("to", f"<{setup.address_of_record}>"),
                ("call-id", self.call_id),
                ("cseq", f"{self._cseq} REGISTER"),
                *[("route", route) for route in setup.routes],
                self._contact(),
                ("expires", str(self._expires)),
                ("user-agent", setup.user_agent),
            ],
        ), None

    def _contact(self) -> Header:
        place = self.local
        suffix = "" if place.transport == "udp" else f";transport={place.transport}"
        return "contact", f"<sip:{self._setup.contact_user}@{place.sent_by}{suffix}>"

    def _respond(self, response: Response | None, now: float) -> None:
        if response is not None and response.status < 200:
            return
        self._asking = False
        if self._stopping and self._expires == 0:
            self._done = True
        elif response is not None and response.status < 300:
            self._succeed(response, now)
        elif response is not None and response.status == 423 and self._lengthen(response):
            self._ask(now)
        else:
            self._fail(response, now)
        if self._stopping and not self._asking and not self._done:
            self.alarms.clear()
            self._take_back(now)

    def _succeed(self, response: Response, now: float) -> None:
        granted = self._granted(response)
        self._registered = True
        self._pause = _FIRST_PAUSE
        self.alarms[self._ask] = now + max(granted / 2, granted - _AHEAD)
        self.events.append(Registered(granted, seen_as(response)))

    def _granted(self, response: Response) -> float:
        """The seconds that the registrar gave our contact (section 10.2.4); what cannot be read counts as asked."""
        given = response.get("expires")
        for value in response.values("contact"):
            try:
                contact = NameAddress.parse(value)
                uri = SipUri.parse(contact.uri)
            except Malformed:
                continue
            if uri.user == self._setup.contact_user and (uri.host, uri.port or 5060) == (
                self.local.host,
                self.local.port,
            ):
                given = contact.parameters.get("expires", given)
        try:
            seconds = number((given or "").strip(), 2**31)
        except Malformed:
            seconds = self._expires
        return float(min(max(seconds, 10), _LONGEST_EXPIRES))

    def _lengthen(self, response: Response) -> bool:
        """Whether a 423 says what it wants (section 10.2.8), and it is more than was asked for."""
        try:
            least = number((response.get("min-expires") or "").strip(), _LONGEST_EXPIRES)
        except Malformed:
            return False
        longer = least > self._expires
        self._expires = max(least, self._expires)
        return longer

    def _fail(self, response: Response | None, now: float) -> None:
        self._registered = False
        wait = retry_after(response.get("retry-after")) if response is not None else None
        pause = max(self._pause, min(wait or 0.0, 3600.0))
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if not self._stopping:
            self.alarms[self._ask] = now + pause
        code = response.status if response is not None else None
        note = "the registrar did not respond" if code is None else f"the registrar refused with {code}"
        self.events.append(NotRegistered(code, pause, note))


def seen_as(response: Response) -> tuple[str, int] | None:
    """Host and port as which the far end saw the request (`received` and `rport` of our Via, RFC 3581)."""
    via = response.via
    host = via.parameters.get("received", via.host).strip("[]")
    rport = via.parameters.get("rport", "")
    try:
        return (host, number(rport, 65535)) if rport else None
    except Malformed:
        return None
