"""Where a call's media really come from, and that nobody else's are taken for them (RFC 4961).

A source is proved by coming from the very address of the SDP: one packet is enough. Anything else may be the far end
behind a translator of addresses, or a stranger that sprays ports. It has to be of the SDP's host or of a network that
was allowed (`Agreement.sources`; any, if none are given), and to send a run of packets of one source in their order,
while the SDP's address is silent. Once a source is proved, the socket is connected to it, and the kernel drops what
others send. An authentic packet (SRTP) proves its source at once.
"""

import ipaddress
from collections.abc import Sequence

from calloff.media.agreement import Address
from calloff.media.rtp import sequence_ahead

_RUN = 5
"""Packets in order that prove a source of an allowed network."""
_RUN_OF_OLD = 50
"""The same for the source before the last update, if the SDP's address has changed: it may go on meanwhile."""
_MOST_CANDIDATES = 8
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Candidate:
    __slots__ = ("run", "sequence", "ssrc")

    def __init__(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self.sequence = sequence
        self.run = 1


class Latch:
    """What is known about the source of one call."""

    def __init__(self) -> None:
        self.proven: Address | None = None
        """The source whose media are taken; after an update the one before, until a new one is proved."""
        self.is_open = True
        """Whether a new source may be proved."""
        self._remote: Address | None = None
        self._has_moved = False
        self._networks: tuple[_Network, ...] | None = ()
        self._candidates: dict[Address, _Candidate] = {}

    def open(self, remote: Address | None, sources: Sequence[str] | None) -> None:
        """Prove anew, with what an SDP has said. Raises `ValueError` for what are no addresses."""
        remote = None if remote is None else plain(remote)
        networks = None if sources is None else tuple(ipaddress.ip_network(source, strict=False) for source in sources)
        self._has_moved = remote != self._remote
        self._remote, self._networks = remote, networks
        self._candidates.clear()
        self.is_open = True

    def judge(self, source: Address, ssrc: int, sequence: int, *, authentic: bool = False) -> bool:
        """Whether a packet of `source` is to be taken. It may prove the source: then `is_open` is false."""
        if not self.is_open:
            return source == self.proven
        if self._remote is None and self.proven is None:
            return False
        if source == self._remote or authentic or (source == self.proven and not self._has_moved):
            return self._prove(source)
        if source != self.proven and not self._may_come(source.host):
            return False
        candidate = self._candidates.get(source)
        if candidate is None or candidate.ssrc != ssrc or not 0 < sequence_ahead(sequence, candidate.sequence) <= 3:
            if len(self._candidates) >= _MOST_CANDIDATES:
                self._candidates.pop(next(iter(self._candidates)))
            self._candidates[source] = _Candidate(ssrc, sequence)
        else:
            candidate.run += 1
            candidate.sequence = sequence
            if candidate.run >= (_RUN_OF_OLD if source == self.proven else _RUN):
                return self._prove(source)
        return source == self.proven

    def _prove(self, source: Address) -> bool:
        self.proven = source
        self.is_open = False
        self._candidates.clear()
        return True

    def _may_come(self, host: str) -> bool:
        if self._networks is None or (self._remote is not None and host == self._remote.host):
            return True
        address = ipaddress.ip_address(host)
        return any(address in network for network in self._networks)


def plain(address: Address) -> Address:
    """The address as the kernel writes it. Raises `ValueError` if it is none."""
    return Address(ipaddress.ip_address(address.host.partition("%")[0]).compressed, address.port)
