"""The line to a callee who has answered: keys come in, sound goes out at the pace at which it is heard."""

import asyncio
import contextlib
from collections import deque
from typing import Self

from calloff.domain.results import CalleeType
from calloff.trunks.base import FRAME_BYTES, Connected, Digit, Ended, Leg, Trunk
from calloff.voice.audio import BYTES_PER_SECOND
from calloff.voice.callee import MAX_SECONDS, CalleeDetector

_AHEAD = 0.2
"""Seconds of sound that the trunk has queued at most, so that a key silences a prompt at once."""
_REFILL = 0.1
_SHORTEST = 0.01
_LISTEN = 0.1
_LATEST = MAX_SECONDS - _LISTEN


class HungUp(Exception):
    """The leg has ended; see `Line.ended`."""


class Line:
    """One connected leg, whose events it reads from now on; used as `async with Line(...) as line`."""

    def __init__(self, trunk: Trunk, leg: Leg, connected: Connected) -> None:
        self._trunk = trunk
        self._leg = leg
        self._keys: deque[str] = deque()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.ended: Ended | None = None
        """The leg's last event, once it has come."""
        self.callee_type = connected.callee_type or CalleeType.PROCESSING
        """Who answered; `processing` for at most 4 s."""

    async def __aenter__(self) -> Self:
        self._tasks.append(asyncio.create_task(self._follow()))
        if self.callee_type is CalleeType.PROCESSING:
            self._tasks.append(asyncio.create_task(self._listen()))
        return self

    async def __aexit__(self, *_exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_ended(self) -> Ended:
        """Wait for the end of the leg."""
        while self.ended is None:
            await self._change()
        return self.ended

    async def play(self, sound: bytes, *, barge_in: bool) -> bool:
        """Play `sound` to its end, or until a key is pressed if `barge_in`; True if a key cut it short.

        Without `barge_in`, keys pressed until its end are dropped. Raises `HungUp`.
        """
        loop = asyncio.get_running_loop()
        written = 0
        began = loop.time()
        while True:
            self._check()
            if barge_in and self._keys:
                self._trunk.flush(self._leg)
                return True
            ahead = written / BYTES_PER_SECOND - (loop.time() - began)
            if ahead <= 0 and written == len(sound):
                break
            if ahead < 0:
                began, ahead = loop.time() - written / BYTES_PER_SECOND, 0.0
            room = int((_AHEAD - ahead) * BYTES_PER_SECOND) // FRAME_BYTES * FRAME_BYTES
            written += self._trunk.write(self._leg, sound[written : written + max(room, 0)])
            left = written / BYTES_PER_SECOND - (loop.time() - began)
            await self._change(min(max(left, _SHORTEST), _REFILL))
        if not barge_in:
            self.drop_keys()
        return False

    async def next_key(self, seconds: float) -> str | None:
        """The next key (`0-9*#A-D`), also one pressed before; None if none comes in time. Raises `HungUp`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._keys:
                    self._check()
                    await self._change()
        self._check()
        return self._keys.popleft() if self._keys else None

    def drop_keys(self) -> None:
        """Forget the keys that were pressed and not read."""
        self._keys.clear()

    def _check(self) -> None:
        if self.ended is not None:
            raise HungUp

    async def _change(self, seconds: float | None = None) -> None:
        """Wait until a key is pressed or the leg ends, at most `seconds`."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _follow(self) -> None:
        while self.ended is None:
            match await self._leg.next_event():
                case Digit(digit):
                    self._keys.append(digit)
                case Ended() as ended:
                    self.ended = ended
                case _:
                    continue
            self._changed.set()

    async def _listen(self) -> None:
        detector = CalleeDetector()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LATEST
        heard = b""
        while not detector.decided and loop.time() < deadline and self.ended is None:
            await asyncio.sleep(_LISTEN)
            heard += self._trunk.read(self._leg, BYTES_PER_SECOND)
            while len(heard) >= FRAME_BYTES and not detector.decided:
                detector.feed(heard[:FRAME_BYTES])
                heard = heard[FRAME_BYTES:]
        self.callee_type = detector.conclude()
