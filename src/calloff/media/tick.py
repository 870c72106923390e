"""A tick of 20 ms, done for all calls of a slot at once: what has come, what is heard of it, and what leaves.

Each packet costs a call to the kernel, and little beside it; what is not the same for all calls is left to their `Leg`.
"""

import logging
import select
from collections.abc import Callable, Iterable, Sequence

import numpy

from calloff.media.leg import Leg
from calloff.media.rows import HEADER_BYTES, PACKET_BYTES, Rows
from calloff.media.rtp import LONGEST_DATAGRAM, Bits, Counts
from calloff.media.sound import DECODE, FRAME_SAMPLES, Codec, Pcm

_AT_ONCE = 256
"""Datagrams that are looked at together."""
_MOST_DATAGRAMS = 16
"""Datagrams that are read of one call in a tick: a flood costs no more than that."""
_CONCEALED = 3
"""Lost frames that are filled with the one before, each softer; then it is silent."""
_log = logging.getLogger(__name__)
_DECODE = numpy.stack([DECODE[Codec.PCMU], DECODE[Codec.PCMA]])


class Slot:
    """The calls whose ticks are at the same time."""

    def __init__(self) -> None:
        self.legs: tuple[Leg, ...] = ()
        self.rows: Counts = numpy.zeros(0, numpy.int64)
        """Of the calls, in their order."""
        self._of_descriptor: dict[int, Leg] = {}
        self._more = select.epoll()

    def add(self, leg: Leg) -> None:
        """Take a call in."""
        self._of_descriptor[leg.rtp.fileno()] = leg
        self._more.register(leg.rtp, select.EPOLLIN)
        self._set((*self.legs, leg))

    def discard(self, leg: Leg) -> None:
        """Let a call go."""
        if self._of_descriptor.get(leg.rtp.fileno()) is leg:
            del self._of_descriptor[leg.rtp.fileno()]
            self._more.unregister(leg.rtp)
            self._set(tuple(each for each in self.legs if each is not leg))

    def with_more(self) -> list[Leg]:
        """Those for which something has come that is not taken yet."""
        return [self._of_descriptor[each] for each, _ in self._more.poll(0, len(self.legs) or 1)]

    def _set(self, legs: tuple[Leg, ...]) -> None:
        self.legs = legs
        self.rows = numpy.array([leg.row for leg in legs], numpy.int64)


class Ticker:
    """Does it. Each part returns the calls that could not go on."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._datagrams = numpy.zeros((_AT_ONCE, LONGEST_DATAGRAM), numpy.uint8)
        self._places = [place.data for place in self._datagrams]
        self._heads = self._datagrams[:, :HEADER_BYTES].view(">u4")
        self._payloads = self._datagrams[:, HEADER_BYTES:PACKET_BYTES]

    def receive(self, slot: Slot, now: float) -> list[Leg]:
        """Take what has come: of each call a datagram, and what is behind it, at most `_MOST_DATAGRAMS`."""
        broken = self._receive_from(slot.legs, now)
        for _ in range(_MOST_DATAGRAMS - 1):
            behind = slot.with_more()
            if not behind:
                break
            broken += self._receive_from(behind, now)
        return broken

    def receive_reports(self, legs: Sequence[Leg], now: float) -> list[Leg]:
        """Take the reports of these calls."""
        return _each(legs, lambda leg: leg.receive_report(now))

    def hear(self, slot: Slot) -> list[Leg]:
        """Let time go on for what is heard; `Rows.last` has it then."""
        rows = self._rows
        places = numpy.flatnonzero(rows.is_heard[slot.rows])
        heard = slot.rows[places]
        if not len(heard):
            return []
        frames, found = rows.buffers.take(heard)
        missing = rows.missing[heard] = numpy.where(found, 0, rows.missing[heard] + 1)
        concealed = ~found & (missing <= _CONCEALED) & (rows.buffers.depth[heard] > 0)
        pcm: Pcm = _DECODE[rows.law[heard][:, None], frames]
        pcm[~found] = 0
        if concealed.any():
            pcm[concealed] = rows.last[heard[concealed]] >> 1
        rows.last[heard] = pcm
        in_sound = rows.has_keys_in_sound[heard]
        if not in_sound.any():
            return []
        pressed = rows.detectors.hear(heard[in_sound], pcm[in_sound])
        legs = [slot.legs[place] for place in places[in_sound].tolist()] if pressed else []
        keys = {legs[at]: key for at, key in pressed}
        return _each(keys, lambda leg: leg.pressed(keys[leg], in_sound=True))

    def send(self, slot: Slot) -> list[Leg]:
        """Send the packets of this tick."""
        rows, all_rows = self._rows, slot.rows
        before = rows.timestamp[all_rows]
        due = [leg for leg in slot.legs if leg.is_quiet]
        broken: list[Leg] = []
        if len(due) < len(slot.legs):
            broken = _each((leg for leg in slot.legs if leg.sends and not leg.is_quiet), lambda leg: _prepare(leg, due))
        rows.write_headers(numpy.array([leg.row for leg in due], numpy.int64))
        for leg in due:
            try:
                leg.send(leg.packet)
            except OSError:
                leg.transmit(leg.packet)
        rows.timestamp[all_rows] = before + FRAME_SAMPLES & 0xFFFFFFFF
        rows.marker[all_rows] |= ~rows.sends[all_rows]
        return broken

    def look_at_the_clock(self, slot: Slot, now: float) -> list[Leg]:
        """Tell of calls for which nothing has come for too long, and send the reports that are due."""
        rows, all_rows = self._rows, slot.rows
        is_silent: Bits = ~rows.told_silent[all_rows]
        is_silent &= now - rows.silent_since[all_rows] >= rows.no_media_after[all_rows]
        is_due = rows.report_at[all_rows] <= now
        if not (is_silent | is_due).any():
            return []
        legs = slot.legs
        for at in numpy.flatnonzero(is_silent):
            legs[at].fell_silent(now)
        return _each((legs[at] for at in numpy.flatnonzero(is_due)), lambda leg: leg.send_report(now))

    def _receive_from(self, legs: Sequence[Leg], now: float) -> list[Leg]:
        broken: list[Leg] = []
        for start in range(0, len(legs), _AT_ONCE):
            broken += self._receive_some(legs[start : start + _AT_ONCE], now)
        return broken

    def _receive_some(self, legs: Sequence[Leg], now: float) -> list[Leg]:
        sizes: list[int] = []
        add = sizes.append
        for leg, place in zip(legs, self._places, strict=False):
            try:
                add(leg.receive_into(place))
            except OSError:  # Nothing is there, or an earlier packet of ours was refused.
                add(0)
        rows = numpy.array([leg.row for leg in legs], numpy.int64)
        heads = self._heads[: len(legs)].astype(numpy.int64)
        first, timestamps, lengths = heads[:, 0], heads[:, 1], numpy.array(sizes)
        is_plain: Bits = lengths == PACKET_BYTES
        is_plain &= (first >> 24 == 0x80) & (first >> 16 & 0x7F == self._rows.plain_law[rows])
        is_plain &= self._rows.receptions.goes_on(rows, heads[:, 2], first & 0xFFFF)
        plain = rows[is_plain]
        self._rows.receptions.count_many(plain, first[is_plain] & 0xFFFF, timestamps[is_plain], FRAME_SAMPLES, now)
        self._rows.silent_since[plain] = now
        self._rows.told_silent[plain] = False
        is_heard = is_plain & self._rows.is_heard[rows]
        heard = rows[is_heard]
        if len(heard):
            sound = self._payloads[: len(legs)][is_heard]
            self._rows.buffers.put_frames(heard, timestamps[is_heard], sound, self._rows.receptions.jitter[heard])
        special = numpy.flatnonzero(~is_plain & (lengths > 0)).tolist()
        others = {legs[at]: bytes(self._places[at][: sizes[at]]) for at in special}
        return _each(others, lambda leg: leg.take(others[leg], now))


def _prepare(leg: Leg, due: list[Leg]) -> None:
    """Send what is not like the packets of other calls; what is belongs to `due`."""
    if leg.is_special:
        leg.send_specially()
    elif leg.say():
        due.append(leg)


def _each(legs: Iterable[Leg], do: Callable[[Leg], None]) -> list[Leg]:
    """Do something for each call, on its own; those for which it could not be done."""
    broken = []
    for leg in legs:
        try:
            do(leg)
        except Exception:
            _log.exception("a call's media could not go on")
            broken.append(leg)
    return broken
