"""Only the far end is heard: a stranger that sprays the ports presses no key and speaks no word (RFC 4961)."""

from itertools import count

import pytest

from calloff.media.agreement import Address
from calloff.media.latch import Latch

FAR = Address("192.0.2.1", 4000)
BEHIND = Address("192.0.2.1", 61000)
GATEWAY = Address("198.51.100.7", 5000)
STRANGER = Address("203.0.113.9", 7000)


def latch(*sources: str, remote: Address | None = FAR) -> Latch:
    """One that an SDP has told of `remote`, which allowed these networks."""
    made = Latch()
    made.open(remote, sources or ("192.0.2.1/32",))
    return made


def run(judge: Latch, source: Address, packets: int, *, first: int = 10, ssrc: int = 1) -> list[bool]:
    """Whether each of so many packets in order was taken."""
    return [judge.judge(source, ssrc, (first + step) & 0xFFFF) for step in range(packets)]


def test_the_address_of_the_sdp_is_proved_by_one_packet() -> None:
    judge = latch()
    assert run(judge, FAR, 1) == [True]
    assert not judge.is_open
    assert judge.proven == FAR


@pytest.mark.parametrize("sources", [("192.0.2.1/32",), ("192.0.2.1/32", "198.51.100.0/24")])
def test_a_stranger_is_never_heard(sources: tuple[str, ...]) -> None:
    judge = latch(*sources)
    assert not any(run(judge, STRANGER, 200))
    assert run(judge, FAR, 1) == [True]
    assert not any(run(judge, STRANGER, 200))


def test_after_the_proof_nobody_else_is_heard_however_allowed() -> None:
    judge = latch("198.51.100.0/24")
    assert run(judge, FAR, 1) == [True]
    assert not any(run(judge, GATEWAY, 200))


@pytest.mark.parametrize("source", [BEHIND, GATEWAY])
def test_an_allowed_source_is_proved_by_a_run_and_not_before(source: Address) -> None:
    judge = latch("192.0.2.1/32", "198.51.100.0/24")
    assert run(judge, source, 5) == [False, False, False, False, True]
    assert judge.proven == source


def test_a_run_has_one_source_and_is_in_order() -> None:
    judge = latch("198.51.100.0/24")
    numbers = count(1)
    assert not any(judge.judge(GATEWAY, next(numbers), step) for step in range(50))
    assert not any(judge.judge(GATEWAY, 7, 1000 - step) for step in range(50))
    assert not any(judge.judge(GATEWAY, 7, 2000 + 100 * step) for step in range(50))


def test_a_run_goes_on_across_the_end_of_the_numbers() -> None:
    assert run(latch("198.51.100.0/24"), GATEWAY, 5, first=65_533)[-1]


def test_a_crowd_of_strangers_costs_no_memory_and_proves_nothing() -> None:
    judge = latch("198.51.100.0/24")
    crowd = [Address("198.51.100.7", 1024 + port) for port in range(500)]
    for step in range(10):
        assert not any(judge.judge(source, 1, step) for source in crowd)


def test_what_is_authentic_is_proved_at_once() -> None:
    judge = latch()
    assert judge.judge(STRANGER, 1, 1, authentic=True)
    assert judge.proven == STRANGER


def test_without_an_address_nobody_is_heard() -> None:
    assert not any(run(latch(remote=None), FAR, 20))


def test_an_update_with_the_same_address_keeps_the_source_that_was_proved() -> None:
    judge = latch("198.51.100.0/24")
    run(judge, GATEWAY, 5)
    judge.open(FAR, ("198.51.100.0/24",))
    assert run(judge, GATEWAY, 1) == [True]


def test_an_update_with_another_address_hears_the_old_source_until_the_new_one_is_proved() -> None:
    judge = latch()
    run(judge, FAR, 1)
    judge.open(GATEWAY, ("198.51.100.7/32",))
    assert run(judge, FAR, 10) == [True] * 10
    assert run(judge, GATEWAY, 1) == [True]
    assert run(judge, FAR, 1, first=20) == [False]
