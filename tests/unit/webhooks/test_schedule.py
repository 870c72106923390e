"""When a failed callback is tried again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from calloff.webhooks.schedule import WAITS, next_wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("failures", "wait"), list(enumerate(WAITS, start=1)))
def test_the_waits_are_those_of_the_contract_with_jitter(failures: int, wait: float) -> None:
    waits = {next_wait(failures, None, NOW) for _ in range(50)}
    assert len(waits) > 1
    assert all(value is not None and 0.9 * wait <= value <= 1.1 * wait for value in waits)


def test_after_the_last_wait_it_gives_up() -> None:
    assert next_wait(len(WAITS) + 1, None, NOW) is None


@pytest.mark.parametrize(
    ("retry_after", "at_least", "at_most"),
    [
        ("120", 120, 120),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90, 90),
        ("999999999999", 86400, 86400),
        ("1", 4.5, 5.5),
        ("-5", 4.5, 5.5),
        ("soon", 4.5, 5.5),
        ("\u0663", 4.5, 5.5),
        ("Thu, 01 Jan 2026 00:00:00 +99999999999999999999", 4.5, 5.5),
        ("Thu, 01 Jan 2026 99999999999999999999:00:00 GMT", 4.5, 5.5),
        ("Thu, 01 Jan 99999 00:00:00 GMT", 4.5, 5.5),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 4.5, 5.5),
    ],
)
def test_retry_after_can_only_make_the_wait_longer(retry_after: str, at_least: float, at_most: float) -> None:
    wait = next_wait(1, retry_after, NOW)
    assert wait is not None
    assert at_least <= wait <= at_most
