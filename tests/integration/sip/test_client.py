"""The client on real sockets: what leaves, when, to whom, and what is kept of it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from calloff.domain.clock import boot_time
from calloff.domain.permits import DialogIds
from calloff.sip import datagrams
from calloff.sip.call import OutgoingCall
from calloff.sip.client import SipClient
from calloff.sip.digest import Credentials
from calloff.sip.events import Address, Answered, EndCause, Ended, Event, Pinged, Rang
from calloff.sip.locate import Locator
from calloff.sip.sdp import LocalMedia
from calloff.sip.setup import CallSetup, Local, PingSetup, Timers
from calloff.sip.takeover import TakeoverSetup
from calloff.sip.trace import Trace
from calloff.sip.wire import WireSettings
from tests.support.sip_peer import Heard, SipPeer, sdp, sip_peer

CHALLENGE = 'Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'


@dataclass
class Followed:
    """A call and what was told of it."""

    events: list[Event] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    call: OutgoingCall | None = None

    def told(self, event: Event) -> None:
        self.events.append(event)
        self.changed.set()

    async def wait(self, kind: type[Any]) -> Any:
        """The first event of that kind."""
        async with asyncio.timeout(10):
            while not (found := [event for event in self.events if isinstance(event, kind)]):
                self.changed.clear()
                await self.changed.wait()
        return found[0]


@dataclass
class Desk:
    """A client that knows one far end."""

    client: SipClient
    peer: SipPeer

    def setup(self, *, within: float = 2.0, ring: float = 10.0, **more: Any) -> CallSetup:
        host = f"127.0.0.1:{self.peer.port}"
        made = CallSetup(
            identifiers=DialogIds.make(),
            request_uri=f"sip:+16175550100@{host}",
            from_uri=f"sip:+18005550199@{host}",
            local=Local("udp", "127.0.0.1", self.client.wire.port),
            deadline=boot_time() + within,
            ring_timeout=ring,
            media=LocalMedia("127.0.0.1", 40000),
            timers=Timers(t1=0.1, t2=0.4, t4=0.3),
        )
        return replace(made, **more)

    def dial(self, to: Address | None = None, **more: Any) -> Followed:
        followed = Followed()
        address = to or Address("udp", "127.0.0.1", self.peer.port)
        followed.call = self.client.dial(self.setup(**more), address, followed.told, followed.trace)
        return followed

    def hang_up(self, followed: Followed) -> None:
        assert followed.call is not None
        self.client.hang_up(followed.call)


@pytest.fixture
async def peer() -> AsyncIterator[SipPeer]:
    async with sip_peer() as made:
        yield made


@pytest.fixture
async def desk(peer: SipPeer) -> AsyncIterator[Desk]:
    client = SipClient(WireSettings("127.0.0.1", 0))
    client.acquire()
    client.wire.allow(["127.0.0.1"], 24)
    yield Desk(client, peer)
    client.release()


async def test_an_invite_has_left_when_dial_returns(desk: Desk, peer: SipPeer) -> None:
    followed = desk.dial()
    peer.datagram()
    [invite] = peer.heard
    assert invite.what == "INVITE"
    peer.answer(invite, 200, body=sdp(50000))
    await followed.wait(Answered)
    assert (await peer.next("INVITE")) is invite
    await peer.next("ACK")
    desk.hang_up(followed)
    bye = await peer.next("BYE")
    peer.answer(bye, 200)
    assert (await followed.wait(Ended)).answered


async def test_an_invite_whose_time_is_over_does_not_leave(desk: Desk, peer: SipPeer) -> None:
    followed = desk.dial(within=-0.001)
    assert followed.events == [Ended(EndCause.NOT_SENT, Rang.NO, False, note="no INVITE was sent")]
    await peer.silence(0.3)


async def test_what_the_kernel_does_not_take_was_not_sent(
    desk: Desk, peer: SipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = desk.dial(to=Address("udp", "255.255.255.255", 9))  # forbidden without SO_BROADCAST
    assert [event.cause for event in followed.events if isinstance(event, Ended)] == [EndCause.NOT_SENT]


async def test_a_challenge_within_the_deadline_is_answered_and_one_after_it_is_not(desk: Desk, peer: SipPeer) -> None:
    given = Credentials("user", "password")
    soon, late = desk.dial(credentials=given), desk.dial(credentials=given, within=0.3)
    first, second = await peer.next("INVITE"), await peer.next("INVITE")
    peer.answer(first, 407, CHALLENGE)
    await peer.next("ACK")
    again = await peer.next("INVITE")
    assert "Proxy-Authorization" in again.text
    while boot_time() <= (late.call.setup.deadline if late.call else 0):
        await asyncio.sleep(0.01)
    peer.answer(second, 407, CHALLENGE)
    ended = await late.wait(Ended)
    assert (ended.cause, ended.code) == (EndCause.TOO_LATE, 407)
    desk.hang_up(soon)
    calls = {heard.header("Call-ID") for heard in peer.heard if "Proxy-Authorization" in heard.text}
    assert calls == {again.header("Call-ID")}


async def test_a_silent_trunk_rings_nobody_after_the_end_was_told(desk: Desk, peer: SipPeer) -> None:
    followed = desk.dial(ring=0.35)
    await followed.wait(Ended)
    told = peer.count("INVITE")
    assert told >= 2
    await asyncio.sleep(1.0)
    assert peer.count("INVITE") == told
    assert {heard.what for heard in peer.heard} == {"INVITE"}


async def test_a_hang_up_before_any_response_stops_the_copies_and_cancels_when_there_is_one(
    desk: Desk, peer: SipPeer
) -> None:
    followed = desk.dial()
    invite = await peer.next("INVITE")
    desk.hang_up(followed)
    await peer.silence(0.25)
    assert followed.events == []
    peer.answer(invite, 180)
    cancel = await peer.next("CANCEL")
    assert cancel.branch == invite.branch
    peer.answer(cancel, 200)
    peer.answer(invite, 487)
    await peer.next("ACK")
    ended = await followed.wait(Ended)
    assert (ended.cause, ended.answered) == (EndCause.HUNG_UP_BY_US, False)


async def test_strangers_are_not_answered_and_change_nothing(desk: Desk, peer: SipPeer) -> None:
    followed = desk.dial()
    invite = await peer.next("INVITE")
    peer.answer(invite, 180)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        stranger.settimeout(0.3)
        forged = (
            f"SIP/2.0 200 OK\r\nVia: {invite.header('Via')}\r\nFrom: {invite.header('From')}\r\n"
            f"To: {invite.header('To')};tag=evil\r\nCall-ID: {invite.header('Call-ID')}\r\n"
            f"CSeq: {invite.header('CSeq')}\r\nContact: <sip:evil@127.0.0.2>\r\nContent-Length: 0\r\n\r\n"
        )
        for message in (forged, forged.replace("SIP/2.0 200 OK", "OPTIONS sip:x SIP/2.0")):
            stranger.sendto(message.encode(), ("127.0.0.1", desk.client.wire.port))
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(stranger.recv, 65535)
    assert desk.client.wire.strangers == 2
    assert not any(isinstance(event, Answered | Ended) for event in followed.events)
    desk.hang_up(followed)


async def test_a_contact_elsewhere_is_where_the_acknowledgement_goes_and_may_answer_from_there(peer: SipPeer) -> None:
    async def addresses(name: str) -> list[str]:
        assert name == "elsewhere.example"
        return ["127.0.0.1"]

    client = SipClient(WireSettings("127.0.0.1", 0), Locator(addresses=addresses))
    client.acquire()
    client.wire.allow(["127.0.0.1"], 24)
    async with sip_peer() as other:
        desk = Desk(client, peer)
        followed = desk.dial()
        invite = await peer.next("INVITE")
        contact = f"Contact: <sip:far@elsewhere.example:{other.port}>"
        peer.answer(invite, 200, contact, body=sdp(50000), contact=False)
        await other.next("ACK")
        desk.hang_up(followed)
        other.answer(await other.next("BYE"), 200)
        await peer.silence(0.2)
    client.release()


async def test_a_thousand_calls_are_hung_up_within_one_turn_of_the_loop(desk: Desk, peer: SipPeer) -> None:
    """500 ring, 500 talk: each CANCEL and BYE leaves before the loop has its next turn."""
    invites: dict[str, Heard] = {}
    peer.answers = lambda heard: _serve(peer, heard, invites)
    calls: list[Followed] = []
    async with asyncio.timeout(60):
        for _ in range(20):
            calls += [desk.dial(timers=Timers(t1=0.2), ring=60.0) for _ in range(50)]
            for each in calls[-50:]:
                await each.wait(object)
        talking = [each for each in calls if any(isinstance(event, Answered) for event in each.events)]
        assert len(talking) == 500
        for each in calls:
            desk.hang_up(each)
        assert peer.count("BYE") == 0  # nothing was read yet: all of it left within one turn
        for each in calls:
            await each.wait(Ended)
    ended = {(heard.what, heard.header("Call-ID")) for heard in peer.heard if heard.what in ("BYE", "CANCEL")}
    assert sorted(what for what, _ in ended) == ["BYE"] * 500 + ["CANCEL"] * 500


def _serve(peer: SipPeer, heard: Heard, invites: dict[str, Heard]) -> None:
    if heard.what == "INVITE":
        invites.setdefault(heard.branch, heard)
        rings = list(invites).index(heard.branch) % 2 == 1
        peer.answer(heard, 180 if rings else 200, body=sdp(50000))
    elif heard.what == "BYE":
        peer.answer(heard, 200)
    elif heard.what == "CANCEL":
        peer.answer(heard, 200)
        peer.answer(invites[heard.branch], 487)


async def test_a_dead_clients_calls_are_ended_by_another_one(desk: Desk, peer: SipPeer) -> None:
    """What rings gets a CANCEL with the first INVITE's branch; what talks gets a BYE in its dialog."""
    dead = SipClient(WireSettings("127.0.0.1", 0))
    dead.acquire()
    dead.wire.allow(["127.0.0.1"], 24)
    gone = Desk(dead, peer)
    ringing, talking = gone.dial(), gone.dial()
    first, second = await peer.next("INVITE"), await peer.next("INVITE")
    peer.answer(first, 180)
    peer.answer(second, 200, body=sdp(50000))
    answered: Answered = await talking.wait(Answered)
    await ringing.wait(object)
    await peer.next("ACK")
    sent_by = f"127.0.0.1:{dead.wire.port}"
    dead.release()

    heir, over = desk.client, Followed()
    to = Address("udp", "127.0.0.1", peer.port)
    local = Local("udp", "127.0.0.1", heir.wire.port)

    def answers(heard: Heard) -> None:
        peer.answer(heard, 200 if heard.what == "BYE" or heard.branch == first.branch else 481)

    peer.answers = answers
    for each, dialog in ((ringing, None), (talking, answered.dialog)):
        assert each.call is not None
        made = each.call.setup
        timers = Timers(t1=0.02, t2=0.1, t4=0.1)
        setup = TakeoverSetup(
            made.identifiers, made.request_uri, made.from_uri, local, sent_by, dialog, to=to, timers=timers
        )
        heir.take_over(setup, to, over.told, Trace())
    async with asyncio.timeout(10):
        while sum(isinstance(event, Ended) for event in over.events) < 2:
            over.changed.clear()
            await over.changed.wait()
    [bye] = [heard for heard in peer.heard if heard.what == "BYE"]
    assert bye.header("To").endswith(";tag=far")
    assert bye.header("Call-ID") == second.header("Call-ID")
    [cancel] = [heard for heard in peer.heard if heard.what == "CANCEL" and heard.branch == first.branch]
    for name in ("Call-ID", "From", "To"):
        assert cancel.header(name) == first.header(name)
    assert cancel.header("CSeq") == first.header("CSeq").replace("INVITE", "CANCEL")
    assert cancel.header("Via").split(";")[0] == f"SIP/2.0/UDP {sent_by}"
    assert cancel.text.split(" ")[1] == first.text.split(" ")[1]


async def test_a_ping_tells_how_it_is_and_as_whom_we_are_seen(desk: Desk, peer: SipPeer) -> None:
    told = Followed()
    setup = PingSetup(f"sip:127.0.0.1:{peer.port}", "sip:calloff@127.0.0.1", Local("udp", "127.0.0.1", 1))
    desk.client.ping(setup, Address("udp", "127.0.0.1", peer.port), told.told)
    asked = await peer.next("OPTIONS")
    via = asked.header("Via").replace(";rport", ";received=192.0.2.55;rport=6060")
    peer.answer(replace(asked, text=asked.text.replace(asked.header("Via"), via)), 503, "Retry-After: 17")
    pinged: Pinged = await told.wait(Pinged)
    assert (pinged.code, pinged.retry_after) == (503, 17)
    assert desk.client.seen_as["127.0.0.1"] == ("192.0.2.55", 6060)


async def test_a_trace_has_every_message_and_no_secret(desk: Desk, peer: SipPeer) -> None:
    followed = desk.dial(credentials=Credentials("user", "canary-password"))
    peer.answer(await peer.next("INVITE"), 407, CHALLENGE)
    await peer.next("ACK")
    again = await peer.next("INVITE")
    peer.answer(again, 180)
    peer.answer(again, 486)
    await peer.next("ACK")
    await followed.wait(Ended)
    read = Trace.unpack(followed.trace.pack())
    ladder = [f"{'<' if message.inward else '>'}{message.first_word}" for message in read.messages]
    assert ladder == [">INVITE", "<407", ">ACK", ">INVITE", "<180", "<486", ">ACK"]
    assert {message.theirs for message in read.messages} == {Address("udp", "127.0.0.1", peer.port)}
    answer = read.messages[3].data.decode()
    assert "Proxy-Authorization: ***" in answer
    assert not re.search("response=|canary", answer)
    assert len(followed.trace.pack()) < sum(len(message.data) for message in read.messages) / 2


async def test_a_trace_is_bounded() -> None:
    trace, here = Trace(), Address("udp", "127.0.0.1", 5060)
    for _ in range(200):
        trace.note(b"OPTIONS sip:x SIP/2.0\r\n\r\n", here, here, inward=True)
    assert len(trace.messages) + trace.more == 200
    assert len(trace.messages) < 100


async def test_a_storm_of_datagrams_does_not_hold_up_a_call(
    desk: Desk, peer: SipPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a bounded number of datagrams the loop goes round, so that timers and other sockets get their turn."""
    monkeypatch.setattr(datagrams, "_AT_ONCE", 8)
    turns: list[int] = []
    received: Callable[[bytes, Address], None] = desk.client.wire._on_message
    read = 0

    def counted(data: bytes, source: Address) -> None:
        nonlocal read
        read += 1
        received(data, source)

    monkeypatch.setattr(desk.client.wire, "_on_message", counted)
    for _ in range(100):
        peer.send("garbage", ("127.0.0.1", desk.client.wire.port))
    while read < 100:
        before = read
        await asyncio.sleep(0)
        turns.append(read - before)
    assert max(turns) == 8
