"""OPTIONS that ask whether a trunk is well (RFC 3261 section 11)."""

import secrets

from calloff.sip.digest import Authenticator
from calloff.sip.events import Pinged
from calloff.sip.headers import retry_after
from calloff.sip.machine import Machine, Repeating
from calloff.sip.message import Request, Response
from calloff.sip.setup import PingSetup
from calloff.sip.uri import SipUri


class Ping(Machine):
    """One OPTIONS; made by `UserAgent.ping`, and over with its `Pinged`."""

    def __init__(self, setup: PingSetup, now: float) -> None:
        super().__init__(secrets.token_hex(16), setup.local, setup.timers, Authenticator(setup.credentials))
        self._setup = setup
        self._tag = secrets.token_hex(8)
        self._cseq = 0
        self._asked_at = now
        self._done = False
        Repeating(self, self._build, self._respond, now)

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        return self._done

    def _build(self, branch: str) -> tuple[Request, SipUri | None]:
        setup = self._setup
        self._cseq += 1
        request = Request(
            "OPTIONS",
            setup.request_uri,
            [
                self.via(branch),
                ("max-forwards", "70"),
                ("from", f"<{setup.from_uri}>;tag={self._tag}"),
                ("to", f"<{setup.request_uri}>"),
                ("call-id", self.call_id),
                ("cseq", f"{self._cseq} OPTIONS"),
                ("contact", f"<sip:{self.local.sent_by}>"),
                ("accept", "application/sdp"),
                ("user-agent", setup.user_agent),
            ],
        )
        return request, None

    def _respond(self, response: Response | None, now: float) -> None:
        if self._done or (response is not None and response.status < 200):
            return
        self._done = True
        wait = retry_after(response.get("retry-after")) if response is not None else None
        self.events.append(Pinged(response.status if response is not None else None, now - self._asked_at, wait))
