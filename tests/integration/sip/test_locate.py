"""Names are resolved as RFC 3263 says, by a DNS server on loopback; what was found is kept, and waited for once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from calloff.sip import locate
from calloff.sip.events import Transport
from calloff.sip.locate import Locator, NotFound, Target

ZONE = """
all.example.        60 IN NAPTR 10 5 "S" "SIPS+D2T" "" _sips._tcp.all.example.
all.example.        60 IN NAPTR 20 5 "s" "SIP+D2U" "" _sip._udp.all.example.
all.example.        60 IN NAPTR 5 5 "s" "E2U+sip" "" _sip._udp.elsewhere.example.
_sips._tcp.all.example. 60 IN SRV 10 0 5061 b.all.example.
_sip._udp.all.example.  60 IN SRV 20 0 5080 b.all.example.
_sip._udp.all.example.  60 IN SRV 10 0 5060 a.all.example.
srv.example.        60 IN A 192.0.2.9
_sip._udp.srv.example.  60 IN SRV 1 0 5070 a.all.example.
_sip._tcp.srv.example.  60 IN SRV 1 0 5071 a.all.example.
none.example.       60 IN A 192.0.2.7
_sip._udp.none.example. 60 IN SRV 0 0 0 .
a.all.example.      60 IN A 192.0.2.1
b.all.example.      60 IN A 192.0.2.2
plain.example.      60 IN A 192.0.2.3
plain.example.      60 IN A 192.0.2.4
"""


@dataclass
class Server(asyncio.DatagramProtocol):
    """Answers from a zone; every question is noted."""

    asked: list[str] = field(default_factory=list)
    silent: bool = False
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{kind} {question.name}")
        if self.silent or self.transport is None:
            return
        lines = [line.split(None, 4) for line in ZONE.strip().splitlines()]
        found = [line[4] for line in lines if line[0] == str(question.name) and line[3] == kind]
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if found:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif not any(line[0] == str(question.name) for line in lines):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), source)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, ("127.0.0.1", 0))
    yield made
    transport.close()


@pytest.fixture
def locator(server: Server) -> Locator:
    assert server.transport is not None
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = server.transport.get_extra_info("sockname")[1]

    async def addresses(name: str) -> list[str]:
        try:
            return [str(record) for record in await resolver.resolve(name, "A", lifetime=1)]
        except Exception:
            return []

    return Locator(resolver, addresses)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("192.0.2.1", None, None), ["udp 192.0.2.1:5060"]),
        (("[2001:db8::1]", None, "tls"), ["tls 2001:db8::1:5061"]),
        (("192.0.2.1", 5080, "tcp"), ["tcp 192.0.2.1:5080"]),
        (("all.example", None, None), ["tls 192.0.2.2:5061", "udp 192.0.2.1:5060", "udp 192.0.2.2:5080"]),
        (("srv.example", None, None), ["udp 192.0.2.1:5070", "tcp 192.0.2.1:5071"]),
        (("srv.example", None, "tcp"), ["tcp 192.0.2.1:5071"]),
        (("none.example", None, "udp"), ["udp 192.0.2.7:5060"]),
    ],
)
async def test_where_a_name_leads(
    asked: tuple[str, int | None, str | None], found: list[str], locator: Locator
) -> None:
    targets = await locator.locate(*asked)  # type: ignore[arg-type]
    assert [f"{target.transport} {target.host}:{target.port}" for target in targets] == found
    assert {target.name for target in targets} == {asked[0].strip("[]")}


@pytest.mark.parametrize(
    ("port", "transport", "expected"),
    [(5090, None, "udp {}:5090"), (None, "tls", "tls {}:5061"), (None, None, "udp {}:5060")],
)
async def test_a_name_without_services_leads_to_all_its_addresses(
    port: int | None, transport: Transport | None, expected: str, locator: Locator
) -> None:
    targets = await locator.locate("plain.example", port, transport)
    found = {f"{target.transport} {target.host}:{target.port}" for target in targets}
    assert found == {expected.format(host) for host in ("192.0.2.3", "192.0.2.4")}


async def test_the_certificate_has_to_bear_the_name_that_the_operator_gave(locator: Locator) -> None:
    [first, *_] = await locator.locate("all.example", None, "tls")
    assert first == Target("tls", "192.0.2.2", 5061, "all.example")


async def test_a_name_that_leads_nowhere_says_so(locator: Locator) -> None:
    with pytest.raises(NotFound):
        await locator.locate("nowhere.example", None, None)


async def test_what_was_found_is_asked_for_once(locator: Locator, server: Server) -> None:
    first = await locator.locate("srv.example", None, "udp")
    asked = len(server.asked)
    assert await locator.locate("SRV.example.", None, "udp") == first
    assert len(server.asked) == asked


async def test_a_dead_resolver_holds_up_no_call_of_a_known_name(
    locator: Locator, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await locator.locate("srv.example", None, "udp")
    server.silent = True
    monkeypatch.setattr(locate, "_PATIENCE", 0.2)
    for known in locator._known.values():
        known.until = 0.0
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert await locator.locate("srv.example", None, "udp") == first
    assert loop.time() - before < 0.1
    [asking] = locator._asking.values()
    with pytest.raises(NotFound):
        await asyncio.wait_for(asyncio.shield(asking), 10)
    assert await locator.locate("srv.example", None, "udp") == first


async def test_the_hosts_of_this_machine_are_known() -> None:
    targets = await Locator().locate("localhost", 5060, None)
    assert Target("udp", "127.0.0.1", 5060, "localhost") in targets
