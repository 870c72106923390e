"""When a call may be attempted (contract, *Queue one call*)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloff.domain.errors import InvalidInput
from calloff.domain.schedule import LATEST, Schedule

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(),
        Schedule(start=0),
        Schedule(start=NOW + 1, end=NOW + 2),
        Schedule(start=NOW - 100, end=NOW + 0.001),
        Schedule(end=LATEST),
        Schedule(max_attempts=10, reattempt_wait=60),
        Schedule(max_attempts=2, reattempt_wait=86400),
        Schedule(reattempt_wait=300),
    ],
)
def test_what_can_be_followed_is_accepted(schedule: Schedule) -> None:
    schedule.check(NOW)


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (Schedule(start=-1), "start_timestamp"),
        (Schedule(start=LATEST + 1), "start_timestamp"),
        (Schedule(start=math.nan), "start_timestamp"),
        (Schedule(end=math.inf), "end_timestamp"),
        (Schedule(end=-math.inf), "end_timestamp"),
        (Schedule(end=NOW), "end_timestamp"),
        (Schedule(end=NOW - 1), "end_timestamp"),
        (Schedule(start=NOW + 2, end=NOW + 2), "end_timestamp"),
        (Schedule(start=NOW + 2, end=NOW + 1), "end_timestamp"),
        (Schedule(max_attempts=0), "max_attempts"),
        (Schedule(max_attempts=11, reattempt_wait=60), "max_attempts"),
        (Schedule(max_attempts=2), "reattempt_wait"),
        (Schedule(reattempt_wait=59), "reattempt_wait"),
        (Schedule(max_attempts=2, reattempt_wait=86401), "reattempt_wait"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_the_name_of_its_field(schedule: Schedule, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        schedule.check(NOW)


@given(
    st.builds(
        Schedule,
        start=st.none() | st.floats(),
        end=st.none() | st.floats() | st.floats(NOW - 10, NOW + 10),
        max_attempts=st.integers(-2, 13),
        reattempt_wait=st.none() | st.integers(55, 65) | st.integers(),
    )
)
def test_whatever_is_accepted_can_be_followed(schedule: Schedule) -> None:
    try:
        schedule.check(NOW)
    except InvalidInput:
        return
    assert schedule.end is None or max(NOW, schedule.start or 0) < schedule.end <= LATEST
    assert schedule.start is None or 0 <= schedule.start <= LATEST
    assert 1 <= schedule.max_attempts <= 10
    assert schedule.reattempt_wait is None or 60 <= schedule.reattempt_wait <= 86400
    assert schedule.max_attempts == 1 or schedule.reattempt_wait is not None
