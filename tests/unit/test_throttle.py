"""Guessing is slowed by address and user, also when everything comes at once, and nobody is locked out (row 5)."""

import asyncio

import pytest

from calloff.accounts.throttle import PER_ADDRESS, PER_USER, Throttle, TooManyAttempts
from calloff.domain.errors import NotAuthenticated


class Door:
    """What credentials open, and how many were looked at."""

    def __init__(self) -> None:
        self.throttle = Throttle()
        self.looked_at = 0

    async def try_(self, address: str, email: str, credential: str) -> str:
        """What came of it: `in`, `wrong` or `slowed`."""
        try:
            async with self.throttle.attempt(address, email, credential):
                self.looked_at += 1
                await asyncio.sleep(0)
                if credential != "right":
                    raise NotAuthenticated("Wrong.")
        except NotAuthenticated:
            return "wrong"
        except TooManyAttempts:
            return "slowed"
        return "in"


@pytest.fixture
def door() -> Door:
    return Door()


async def test_a_thousand_guesses_at_once_get_no_further_than_in_turn(door: Door) -> None:
    guesses = [door.try_("192.0.2.1", "owner@example.com", f"guess {n}") for n in range(1000)]
    outcomes = await asyncio.gather(*guesses)
    assert outcomes.count("wrong") == door.looked_at == PER_USER.burst
    others = [door.try_("192.0.2.1", f"user{n}@example.com", "guess") for n in range(1000)]
    await asyncio.gather(*others)
    assert door.looked_at == PER_ADDRESS.burst
    assert await door.try_("192.0.2.2", "owner@example.com", "right") == "in"


async def test_the_same_guess_a_thousand_times_at_once_is_slowed_too(door: Door) -> None:
    await asyncio.gather(*(door.try_("192.0.2.1", "owner@example.com", "guess") for _ in range(1000)))
    assert door.looked_at == PER_USER.burst


async def test_whoever_opens_a_hundred_connections_with_the_right_key_is_let_in(door: Door) -> None:
    tries = [door.try_("192.0.2.1", "Owner@example.com", "right") for _ in range(100)]
    assert set(await asyncio.gather(*tries)) == {"in"}


async def test_who_was_let_in_before_is_let_in_during_an_attack(door: Door) -> None:
    assert await door.try_("192.0.2.1", "owner@example.com", "right") == "in"
    for n in range(100):
        await door.try_("192.0.2.1", "owner@example.com", f"guess {n}")
    assert await door.try_("192.0.2.1", "owner@example.com", "right") == "in"


async def test_a_fault_of_ours_is_no_guess(door: Door) -> None:
    for _ in range(100):
        with pytest.raises(ConnectionError):
            async with door.throttle.attempt("192.0.2.1", "owner@example.com", "right"):
                raise ConnectionError
    assert await door.try_("192.0.2.1", "owner@example.com", "wrong") == "wrong"


@pytest.mark.parametrize(
    ("one", "another", "is_the_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
async def test_all_addresses_of_one_network_of_ipv6_are_one(
    door: Door, one: str, another: str, is_the_same: bool
) -> None:
    for n in range(100):
        await door.try_(one, "owner@example.com", f"guess {n}")
    assert await door.try_(another, "owner@example.com", "guess") == ("slowed" if is_the_same else "wrong")
