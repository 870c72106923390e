"""How many connections the API holds, and whose: who says nothing gives way to who comes.

A connection is *waiting* until the head of a request has come, and again between two requests. When an address has its
share, or all are taken, the one that has waited longest goes before a newcomer is turned away. TLS is no exception: a
connection counts from its acceptance, not from the end of its handshake.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from calloff.domain.addresses import holder_of

_KEPT_DESCRIPTORS = 256
"""File descriptors that no connection may take: for the database, for files, and to turn somebody away with."""
_MOST = 8192
"""Connections at once, however many descriptors there are."""
_SHARE = 4
"""No address has more than this fraction of them, proxies that are believed excepted."""

Network = IPv4Network | IPv6Network


def most_connections(descriptors: int) -> int:
    """How many connections a process with that many file descriptors holds at most."""
    return min(_MOST, max(descriptors - _KEPT_DESCRIPTORS, descriptors // 2))


class Seat:
    """One connection's place; `busy` while a request is under way."""

    def __init__(self, house: "Connections", holder: str, close: Callable[[], object]) -> None:
        self._house = house
        self.holder = holder
        self.close = close
        """Ends the connection; replaced once there is more to end than a handshake."""

    def busy(self) -> None:
        """A request's head is complete: this connection is not sent away until it was answered."""
        self._house.waiting.pop(self, None)

    def waiting(self) -> None:
        """Nothing is under way."""
        self._house.waiting[self] = None

    def leave(self) -> None:
        """The connection has ended; a second call does nothing."""
        self._house.forget(self)


class Connections:
    """All of the process: at most `most`, and of one address a share, except of those in `exempt` networks."""

    def __init__(self, most: int, exempt: Sequence[Network] = ()) -> None:
        self._most = most
        self._exempt = exempt
        self._seats: set[Seat] = set()
        self._held: Counter[str] = Counter()
        self.waiting: dict[Seat, None] = {}
        """Those without a request, the one that has waited longest first."""

    def admit(self, address: str, close: Callable[[], object]) -> Seat | None:
        """A seat for a connection from `address`, whose `close` ends it; None if there is none to be had."""
        holder = holder_of(address)
        is_exempt = any(ip_address(address) in network for network in self._exempt)
        if not is_exempt and self._held[holder] >= max(1, self._most // _SHARE):
            if not self._send_away(next((seat for seat in self.waiting if seat.holder == holder), None)):
                return None
        elif len(self._seats) >= self._most and not self._send_away(next(iter(self.waiting), None)):
            return None
        seat = Seat(self, holder, close)
        self._seats.add(seat)
        self._held[holder] += 1
        self.waiting[seat] = None
        return seat

    def forget(self, seat: Seat) -> None:
        """Give the seat back."""
        if seat in self._seats:
            self._seats.discard(seat)
            self.waiting.pop(seat, None)
            self._held[seat.holder] -= 1
            if not self._held[seat.holder]:
                del self._held[seat.holder]

    def _send_away(self, seat: Seat | None) -> bool:
        if seat is None:
            return False
        self.forget(seat)
        seat.close()
        return True
