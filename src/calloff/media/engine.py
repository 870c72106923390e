"""The engine's loop: commands of the dialer, and a tick of 20 ms for each call, in slots of 5 ms."""

import logging
import select
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any, cast

from calloff.media.agreement import unpack_agreement
from calloff.media.events import Closed, MediaEvent, Statistics, pack_event
from calloff.media.leg import Leg
from calloff.media.rows import Rows
from calloff.media.sound import Codec
from calloff.media.tick import Slot, Ticker
from calloff.media.wire import Inbox, Message, Outbox

_SLOTS = 4
_SLOT = 0.02 / _SLOTS
_BEING_CLOSED = 64
"""Rows beyond the calls that are open at once, for those that are being closed."""
_FURTHEST_BEHIND = 0.2
"""Seconds after which lost ticks are not made up for."""
_log = logging.getLogger(__name__)


class Engine:
    """All calls of one dialer process. `control` is the socket to it; the engine ends when that does."""

    def __init__(self, control: socket.socket, max_calls: int) -> None:
        control.setblocking(False)
        self._control = control
        self._inbox = Inbox(control)
        self._outbox = Outbox(control)
        self._rows = Rows(max_calls + _BEING_CLOSED)
        self._ticker = Ticker(self._rows)
        self._legs: dict[int, Leg] = {}
        self._numbers: dict[Leg, int] = {}
        self._slots = [Slot() for _ in range(_SLOTS)]
        self._sounds: dict[int, tuple[Codec, bytearray | bytes]] = {}
        self._reports_come = select.epoll()
        self._of_descriptor: dict[int, Leg] = {}
        """Whose port for reports it is."""
        self._all_left = True

    def run(self) -> None:
        """Work until nobody is there any more."""
        self._outbox.add("ready")
        self._flush()
        slot, due = 0, time.monotonic()
        with suppress(EOFError, OSError):
            while True:
                now = time.monotonic()
                if not self._legs:
                    due = now
                self._wait(max(0.0, due - now) if self._legs else None)
                now = time.monotonic()
                if self._legs and now >= due:
                    self._tick(self._slots[slot], now)
                    slot = (slot + 1) % _SLOTS
                    due += _SLOT
                    if now - due > _FURTHEST_BEHIND:
                        due = now
                self._flush()

    def _wait(self, timeout: float | None) -> None:
        """Wait for a command or the next tick; what comes meanwhile for calls waits until then."""
        if timeout is None or timeout > 0:
            ready, _, _ = select.select([self._control], [] if self._all_left else [self._control], [], timeout)
            if not ready:
                return
        for message in self._inbox.receive():
            self._obey(message)

    def _tick(self, slot: Slot, now: float) -> None:
        reported = [self._of_descriptor[each] for each, _ in self._reports_come.poll(0, len(self._legs))]
        broken = [
            *self._ticker.receive(slot, now),
            *self._ticker.receive_reports(reported, now),
            *self._ticker.hear(slot),
            *self._ticker.send(slot),
            *self._ticker.look_at_the_clock(slot, now),
        ]
        self._deliver(slot)
        for leg in broken:
            self._close(leg)

    def _deliver(self, slot: Slot) -> None:
        """Hand on what was heard to those who listen."""
        listeners = [leg for leg in slot.legs if leg.listens and self._rows.receptions.ssrc[leg.row] >= 0]
        if listeners and self._all_left:  # A dialer that does not read loses sound, and nothing else.
            sound = self._rows.last[[leg.row for leg in listeners]].astype("<i2").tobytes()
            self._outbox.add("sound", [self._numbers[leg] for leg in listeners], sound)

    def _flush(self) -> None:
        self._all_left = self._outbox.flush()

    def _obey(self, message: Message) -> None:
        command, *rest = cast(list[Any], message)
        match command:
            case "open":
                self._open(rest[0])
            case "sound":
                handle, codec, piece = rest
                self._sounds.setdefault(handle, (Codec(codec), bytearray()))
                cast(bytearray, self._sounds[handle][1]).extend(piece)
            case "forget":
                self._sounds.pop(rest[0], None)
            case _:
                number, *arguments = rest
                leg = self._legs.get(number)
                if leg is None:
                    return
                try:
                    self._tell(leg, command, arguments)
                except Exception:
                    _log.exception("a command for a call's media could not be carried out")

    def _open(self, number: int) -> None:
        rtp, rtcp = (socket.socket(fileno=self._inbox.descriptors.popleft()) for _ in range(2))
        row = self._rows.take()
        if row is None:
            for sock in (rtp, rtcp):
                sock.close()
            self._event(number, Closed(Statistics()))
            return
        for sock in (rtp, rtcp):
            sock.setblocking(False)
        leg = self._legs[number] = Leg(self._rows, row, rtp, rtcp, partial(self._event, number))
        self._numbers[leg] = number
        self._of_descriptor[rtcp.fileno()] = leg
        self._reports_come.register(rtcp, select.EPOLLIN)
        min(self._slots, key=lambda slot: len(slot.legs)).add(leg)

    def _tell(self, leg: Leg, command: str, arguments: list[Any]) -> None:
        match command, arguments:
            case "update", [packed]:
                leg.update(unpack_agreement(packed))
            case "play", [play, handle, barge_in]:
                codec, data = self._sounds[handle]
                if isinstance(data, bytearray):
                    data = bytes(data)
                    self._sounds[handle] = codec, data
                leg.play(play, data, codec, barge_in)
            case "write", [pcm]:
                leg.write(pcm)
            case "mark", [mark]:
                leg.playlist.mark(mark)
            case "flush", []:
                leg.playlist.flush()
            case "stop", [play]:
                leg.playlist.stop(play)
            case "send_keys", [batch, keys]:
                leg.send_keys(batch, keys)
            case "listen", [listens]:
                leg.listen(listens)
            case "connect", [other]:
                leg.connect(None if other is None else self._legs.get(other))
            case "record", [recording]:
                leg.record(recording)
            case "watch", [seconds]:
                leg.watch(seconds, time.monotonic())
            case "measure", []:
                leg.measure()
            case "close", []:
                self._close(leg)
            case _:
                _log.warning("the dialer asked for something that is not understood")

    def _close(self, leg: Leg) -> None:
        number = self._numbers.pop(leg, None)
        if number is None:
            return
        del self._legs[number]
        for slot in self._slots:
            slot.discard(leg)
        del self._of_descriptor[leg.rtcp.fileno()]
        self._reports_come.unregister(leg.rtcp)
        leg.close()

    def _event(self, number: int, event: MediaEvent) -> None:
        self._outbox.add("event", number, pack_event(event))
