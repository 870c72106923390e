"""How long a client that sends a list may keep us waiting."""

from calloff.domain.patience import STALL_SECONDS, UPLOAD_SECONDS, patience


def test_whoever_sends_steadily_has_the_time_of_a_stall() -> None:
    assert patience(0, 0) == STALL_SECONDS
    assert patience(100_000_000, 600) == STALL_SECONDS


def test_a_byte_a_second_is_given_up_after_a_minute() -> None:
    waited = 0.0
    while patience(int(waited), waited) > 0:
        waited += 1
    assert 59 <= waited <= 61


def test_nobody_has_more_than_an_hour() -> None:
    assert patience(2**40, UPLOAD_SECONDS) == 0
