"""Slows the guessing of passwords and keys, by address and by user, and locks nobody out.

Each process counts for itself. A right developer key never comes here (`api/authentication.py`). Whoever has shown the
right password of late is let through with the same one at once, so that somebody else's guesses do not keep them away,
not even from behind the same address.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from calloff.domain.addresses import holder_of
from calloff.domain.codes import Code
from calloff.domain.errors import CalloffError, NotAuthenticated

Key = TypeVar("Key")
Value = TypeVar("Value")

_REMEMBERED = 10_000
"""Entries of each table; the oldest are forgotten first."""


class TooManyAttempts(CalloffError):
    """Too many wrong credentials came from this address (HTTP 429). `retry_after` is in seconds."""

    kind = Code.TOO_MANY_ATTEMPTS

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts with wrong credentials. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Rate:
    """How many failures are free, and how many seconds each one more costs."""

    burst: int
    seconds: float


PER_USER = Rate(10, 5.0)
"""From one address, for one user."""
PER_ADDRESS = Rate(50, 1.0)
"""From one address, whatever the user."""


@dataclass(slots=True)
class Throttle:
    """What failed and what succeeded of late. Addresses are text; users are e-mail addresses in any case."""

    per_user: Rate = PER_USER
    per_address: Rate = PER_ADDRESS
    _failures: "OrderedDict[tuple[str, ...], float]" = field(default_factory=OrderedDict)
    """Until when (monotonic seconds) the failures of each key count."""
    _right: "OrderedDict[bytes, None]" = field(default_factory=OrderedDict)
    _under_way: dict[bytes, asyncio.Event] = field(default_factory=dict)
    """Attempts with credentials that were not right before, until their outcome is known."""
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @asynccontextmanager
    async def attempt(self, address: str, email: str, credential: str) -> AsyncIterator[None]:
        """Within it, the credentials are looked at: leaving it with `NotAuthenticated` says that they were wrong.

        An attempt counts from its beginning, so that a thousand at the same time get no further than a thousand in
        turn. Raises `TooManyAttempts` if the credentials may not even be looked at now.
        """
        digest = self._digest(email, credential)
        # A client may well open a hundred connections at once: they wait to hear whether the first one is let in.
        while (first := self._under_way.get(digest)) is not None:
            await first.wait()
        is_known = digest in self._right
        if not is_known:
            self._refuse_too_many(address, email)
            self._under_way[digest] = asyncio.Event()
            self._count(address, email, 1)
        try:
            yield
        except NotAuthenticated:
            if is_known:
                self._right.pop(digest, None)
                self._count(address, email, 1)
            raise
        except BaseException:
            if not is_known:
                self._count(address, email, -1)
            raise
        else:
            if not is_known:
                self._count(address, email, -1)
            _remember(self._right, digest, None)
        finally:
            if not is_known:
                self._under_way.pop(digest).set()

    def _refuse_too_many(self, address: str, email: str) -> None:
        wait = max(self._wait(key, rate) for key, rate in self._keys(address, email))
        if wait > 0:
            raise TooManyAttempts(int(wait) + 1)

    def _count(self, address: str, email: str, failures: int) -> None:
        for key, rate in self._keys(address, email):
            counted = max(self._failures.get(key, 0.0), time.monotonic())
            _remember(self._failures, key, counted + failures * rate.seconds)

    def _keys(self, address: str, email: str) -> tuple[tuple[tuple[str, ...], Rate], ...]:
        place = holder_of(address)
        return ((place, email.lower()), self.per_user), ((place,), self.per_address)

    def _wait(self, key: tuple[str, ...], rate: Rate) -> float:
        """Seconds until one more attempt is within the rate; at most 0 if it is."""
        return self._failures.get(key, 0.0) - time.monotonic() - (rate.burst - 1) * rate.seconds

    def _digest(self, email: str, credential: str) -> bytes:
        return hashlib.blake2b(f"{email.lower()}\0{credential}".encode(errors="replace"), key=self._salt).digest()


def _remember(table: "OrderedDict[Key, Value]", key: Key, value: Value) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > _REMEMBERED:
        table.popitem(last=False)
