"""Client transactions (RFC 3261 section 17.1, with RFC 6026): one request of ours and its responses.

    INVITE                                              any other
    CALLING ──1xx──▶ PROCEEDING                         CALLING ──1xx──▶ PROCEEDING
       │ ╲              │  │                               │                │
       │  ╲─2xx─▶ ACCEPTED │ 300-699                       │ 200-699        │
       │ 300-699        │  │                               ▼                ▼
       ▼                ▼  ▼                               COMPLETED ◀──────┘
    COMPLETED ──time──▶ TERMINATED                         └──time──▶ TERMINATED

An INVITE that nobody answered in time is COMPLETED, too: whoever picks up even later still gets an ACK and a BYE.
Each transition is a line of a table; what is not in a table changes nothing. A transaction asks its timer to be
called at `timer` and repeats its request by itself. It does not know what a call is.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from calloff.sip.message import Request, Response
from calloff.sip.setup import Timers


class State(Enum):
    """Of a client transaction. `CALLING` is called Trying where the request is no INVITE."""

    CALLING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Happened(Enum):
    """What can happen to it."""

    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    TIME_IS_UP = auto()


_INVITE: Final = {
    (State.CALLING, Happened.PROVISIONAL): State.PROCEEDING,
    (State.CALLING, Happened.SUCCESS): State.ACCEPTED,
    (State.CALLING, Happened.FAILURE): State.COMPLETED,
    (State.CALLING, Happened.TIME_IS_UP): State.COMPLETED,
    (State.PROCEEDING, Happened.PROVISIONAL): State.PROCEEDING,
    (State.PROCEEDING, Happened.TIME_IS_UP): State.COMPLETED,
    (State.PROCEEDING, Happened.SUCCESS): State.ACCEPTED,
    (State.PROCEEDING, Happened.FAILURE): State.COMPLETED,
    (State.ACCEPTED, Happened.SUCCESS): State.ACCEPTED,
    (State.ACCEPTED, Happened.TIME_IS_UP): State.TERMINATED,
    (State.COMPLETED, Happened.FAILURE): State.COMPLETED,
    # A proxy forwards a 2xx of another fork even after it has sent a failure (RFC 3261 section 16.7, step 5).
    (State.COMPLETED, Happened.SUCCESS): State.ACCEPTED,
    (State.COMPLETED, Happened.TIME_IS_UP): State.TERMINATED,
}
_OTHER: Final = {
    (State.CALLING, Happened.PROVISIONAL): State.PROCEEDING,
    (State.CALLING, Happened.SUCCESS): State.COMPLETED,
    (State.CALLING, Happened.FAILURE): State.COMPLETED,
    (State.CALLING, Happened.TIME_IS_UP): State.TERMINATED,
    (State.PROCEEDING, Happened.PROVISIONAL): State.PROCEEDING,
    (State.PROCEEDING, Happened.SUCCESS): State.COMPLETED,
    (State.PROCEEDING, Happened.FAILURE): State.COMPLETED,
    (State.PROCEEDING, Happened.TIME_IS_UP): State.TERMINATED,
    (State.COMPLETED, Happened.TIME_IS_UP): State.TERMINATED,
}


def happened(response: Response) -> Happened:
    """What a response is to a transaction."""
    if response.status < 200:
        return Happened.PROVISIONAL
    return Happened.SUCCESS if response.status < 300 else Happened.FAILURE


class ClientTransaction:
    """One request of ours. `on_response` gets each response that is news; `None` when there was none for 64·T1."""

    __slots__ = (
        "_expires",
        "_interval",
        "_invite",
        "_on_response",
        "_reliable",
        "_repeat_at",
        "_send_again",
        "_table",
        "_timers",
        "branch",
        "request",
        "started_at",
        "state",
    )

    def __init__(
        self,
        request: Request,
        branch: str,
        timers: Timers,
        *,
        reliable: bool,
        send_again: Callable[[float], None],
        on_response: Callable[[Response | None, float], None],
    ) -> None:
        self.request = request
        self.branch = branch
        self.state = State.CALLING
        self.started_at: float | None = None
        self._invite = request.method == "INVITE"
        self._table = _INVITE if self._invite else _OTHER
        self._timers = timers
        self._reliable = reliable
        self._send_again = send_again
        self._on_response = on_response
        self._interval = timers.t1
        self._repeat_at: float | None = None
        self._expires: float | None = None

    def release(self) -> None:
        """Let go of those who are told of responses, and refer to it in turn."""
        self._on_response = _ignore
        self._send_again = _do_nothing

    def started(self, now: float) -> None:
        """The request has left, or may have: Timers A or E, and B or F, begin."""
        if self.started_at is not None or self.state is not State.CALLING:
            return
        self.started_at = now
        self._expires = now + self._timers.lifetime
        if not self._reliable:
            self._repeat_at = now + self._interval

    def stop_repeating(self) -> None:
        """Send no copy any more; responses are still waited for, for what is left of 64·T1."""
        self._repeat_at = None

    def expire(self, now: float) -> None:
        """Wait for no response any more, but answer one that comes all the same."""
        if self._move(Happened.TIME_IS_UP):
            self._repeat_at = None
            self._expires = now + self._timers.lifetime if self.state is State.COMPLETED else None

    def stop(self) -> None:
        """Be over: neither a copy nor a response any more."""
        self.state = State.TERMINATED
        self._repeat_at = self._expires = None

    @property
    def timer(self) -> float | None:
        """When `handle_timer` is to be called."""
        if self._repeat_at is None or (self._expires is not None and self._expires <= self._repeat_at):
            return self._expires
        return self._repeat_at

    def handle_timer(self, now: float) -> None:
        """Repeat the request, or give up, or be over."""
        if self._expires is not None and now >= self._expires:
            unanswered = self.state in (State.CALLING, State.PROCEEDING)
            self.expire(now)
            if unanswered:
                self._on_response(None, now)
        elif self._repeat_at is not None and now >= self._repeat_at:
            # Who wakes from a freeze does not know what was decided meanwhile: an INVITE waits for its next turn.
            frozen = self._invite and now - self._repeat_at > self._timers.t2
            self._interval = self._interval * 2 if self._invite else min(self._interval * 2, self._timers.t2)
            if self.state is State.PROCEEDING:
                self._interval = self._timers.t2
            self._repeat_at = now + self._interval
            if not frozen:
                self._send_again(now)

    def receive(self, response: Response, now: float) -> bool:
        """Take a response; False if it changes nothing and goes to nobody."""
        kind = happened(response)
        before = self.state
        if not self._move(kind):
            return False
        self.started(now)
        if kind is Happened.PROVISIONAL:
            if self._invite:
                self._repeat_at = self._expires = None
        elif before is not self.state:
            self._repeat_at = None
            self._expires = now + self._afterlife()
        self._on_response(response, now)
        return True

    def _afterlife(self) -> float:
        """How long repeated responses are expected: Timers M, D and K."""
        if self.state is State.ACCEPTED:
            return self._timers.lifetime
        if self._reliable:
            return 0.0
        return self._timers.lifetime if self._invite else self._timers.t4

    def _move(self, what: Happened) -> bool:
        state = self._table.get((self.state, what))
        if state is None:
            return False
        self.state = state
        return True


def ack_of_failure(invite: Request, response: Response) -> Request:
    """The ACK of a response of 300 to 699, which belongs to the transaction (RFC 3261 section 17.1.1.3)."""
    return _beside(invite, "ACK", response.need("to"))


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE (RFC 3261 section 9.1)."""
    return _beside(invite, "CANCEL", invite.need("to"))


def _beside(invite: Request, method: str, to: str) -> Request:
    """A request of the same branch, to the same place."""
    return Request(
        method,
        invite.uri,
        [
            ("via", invite.all("via")[0]),
            ("max-forwards", "70"),
            ("from", invite.need("from")),
            ("to", to),
            ("call-id", invite.call_id),
            ("cseq", f"{invite.cseq.number} {method}"),
            *[("route", route) for route in invite.all("route")],
        ],
    )


def _ignore(response: Response | None, now: float) -> None:
    pass


def _do_nothing(now: float) -> None:
    pass
