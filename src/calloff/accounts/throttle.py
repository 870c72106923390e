"""Slows the guessing of passwords and keys, by address and by user, and locks nobody out.

Each process counts for itself. Whoever has shown the right credentials of late is let through with the same ones at
once, so that somebody else's guesses never keep the owner away, not even from behind the same address.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

from calloff.domain.errors import CalloffError

Key = TypeVar("Key")
Value = TypeVar("Value")

_REMEMBERED = 10_000
"""Entries of each table; the oldest are forgotten first."""


class TooManyAttempts(CalloffError):
    """Too many wrong credentials came from this address (HTTP 429). `retry_after` is in seconds."""

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
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def check(self, address: str, email: str, credential: str) -> None:
        """Raises `TooManyAttempts` if these credentials may not even be looked at now."""
        if self._digest(email, credential) in self._right:
            return
        wait = max(self._wait(key, rate) for key, rate in self._keys(address, email))
        if wait > 0:
            raise TooManyAttempts(int(wait) + 1)

    def succeeded(self, email: str, credential: str) -> None:
        """These credentials were right."""
        _remember(self._right, self._digest(email, credential), None)

    def failed(self, address: str, email: str, credential: str) -> None:
        """These credentials were wrong, or are not right any more."""
        self._right.pop(self._digest(email, credential), None)
        for key, rate in self._keys(address, email):
            counted = max(self._failures.get(key, 0.0), time.monotonic())
            _remember(self._failures, key, counted + rate.seconds)

    def _keys(self, address: str, email: str) -> tuple[tuple[tuple[str, ...], Rate], ...]:
        return ((address, email.lower()), self.per_user), ((address,), self.per_address)

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
