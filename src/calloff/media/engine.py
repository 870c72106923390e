"""The engine's loop: commands of the dialer, and a tick of 20 ms for each call, in slots of 5 ms."""

import logging
import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any, cast

from calloff.media.agreement import unpack_agreement
from calloff.media.events import MediaEvent, pack_event
from calloff.media.leg import Leg
from calloff.media.sound import Codec
from calloff.media.wire import Inbox, Message, Outbox

_SLOTS = 4
_SLOT = 0.02 / _SLOTS
_FURTHEST_BEHIND = 0.2
"""Seconds after which lost ticks are not made up for."""
_log = logging.getLogger(__name__)


class Engine:
    """All calls of one dialer process. `control` is the socket to it; the engine ends when that does."""

    def __init__(self, control: socket.socket, max_calls: int) -> None:
        control.setblocking(False)
        self._control = control
        self._max_calls = max_calls
        self._inbox = Inbox(control)
        self._outbox = Outbox(control)
        self._legs: dict[int, Leg] = {}
        self._slots: list[dict[int, Leg]] = [{} for _ in range(_SLOTS)]
        self._sounds: dict[int, tuple[Codec, bytearray | bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
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
                    self._tick(slot, now)
                    slot = (slot + 1) % _SLOTS
                    due += _SLOT
                    if now - due > _FURTHEST_BEHIND:
                        due = now
                self._flush()

    def _wait(self, timeout: float | None) -> None:
        for _, happened in self._selector.select(timeout):
            if happened & selectors.EVENT_READ:
                for message in self._inbox.receive():
                    self._obey(message)

    def _tick(self, slot: int, now: float) -> None:
        heard: list[int] = []
        sound: list[bytes] = []
        for number, leg in list(self._slots[slot].items()):
            try:
                leg.tick(now)
            except Exception:
                _log.exception("a call's media could not go on")
                self._close(number)
                continue
            if leg.listens and leg.heard is not None:
                heard.append(number)
                sound.append(leg.heard.tobytes())
        if heard and self._all_left:  # A dialer that does not read loses sound, and nothing else.
            self._outbox.add("sound", heard, b"".join(sound))

    def _flush(self) -> None:
        left = self._outbox.flush()
        if left is not self._all_left:
            self._all_left = left
            wanted = selectors.EVENT_READ if left else selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(self._control, wanted)

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
                    self._tell(number, leg, command, arguments)
                except Exception:
                    _log.exception("a command for a call's media could not be carried out")

    def _open(self, number: int) -> None:
        rtp, rtcp = (socket.socket(fileno=self._inbox.descriptors.popleft()) for _ in range(2))
        for sock in (rtp, rtcp):
            sock.setblocking(False)
        leg = self._legs[number] = Leg(rtp, rtcp, partial(self._event, number))
        min(self._slots, key=len)[number] = leg

    def _tell(self, number: int, leg: Leg, command: str, arguments: list[Any]) -> None:
        match command, arguments:
            case "update", [packed]:
                leg.update(unpack_agreement(packed))
            case "play", [play, handle, barge_in]:
                codec, data = self._sounds[handle]
                if isinstance(data, bytearray):
                    data = bytes(data)
                    self._sounds[handle] = codec, data
                leg.playlist.play(play, data, codec, barge_in)
            case "write", [pcm]:
                leg.write(pcm)
            case "mark", [mark]:
                leg.playlist.mark(mark)
            case "flush", []:
                leg.playlist.flush()
            case "stop", [play]:
                leg.playlist.stop(play)
            case "send_keys", [batch, keys]:
                leg.keys.send(batch, keys)
            case "listen", [sound, _features]:
                leg.listens = sound
            case "connect", [other]:
                leg.connect(None if other is None else self._legs.get(other))
            case "record", [recording]:
                leg.record(recording)
            case "watch", [seconds]:
                leg.watch(seconds, time.monotonic())
            case "measure", []:
                leg.measure()
            case "close", []:
                self._close(number)
            case _:
                _log.warning("the dialer asked for something that is not understood")

    def _close(self, number: int) -> None:
        leg = self._legs.pop(number)
        for slot in self._slots:
            slot.pop(number, None)
        leg.close()

    def _event(self, number: int, event: MediaEvent) -> None:
        self._outbox.add("event", number, pack_event(event))
