"""The checker of the faults sees each promise broken in a history that breaks it, and nothing in one that does not."""

from dataclasses import replace

import pytest

from tests.faults.checker import cancels_into_dialing, violations
from tests.faults.history import Accepted, Cancel, Delivery, Ended, History, Invite


def good() -> History:
    """Three calls: one over before the cancel, one dialing while it commits, one that it calls off."""
    return History(
        accepted=[
            Accepted(1, 1, "1", asked=10.0, answered=10.1),
            Accepted(2, 1, "2", asked=10.0, answered=10.1),
            Accepted(3, 1, "3", asked=10.0, answered=10.1),
        ],
        cancels=[Cancel(1, asked=20.0, answered=20.2, status=202), Cancel(1, asked=30.0, answered=30.2, status=500)],
        cancellations=[(1, 20.1)],
        invites=[
            Invite("1", "a", "b1", 11.02),
            Invite("2", "c", "b2", 20.15),
            Invite("2", "c", "b2", 20.65),
        ],
        ended={
            1: Ended(1, "completed", 1, (("dialing", 11.0), ("connected", 12.0), ("disconnected", 13.0))),
            2: Ended(2, "failed", 1, (("dialing", 20.05), ("failed", 22.0))),
            3: Ended(3, "canceled", 0, (("canceled", 20.1),)),
        },
        deliveries=[Delivery(1, "w1"), Delivery(2, "w2"), Delivery(2, "w2"), Delivery(3, "w3")],
    )


def broken(history: History) -> set[str]:
    return {violation.promise for violation in violations(history)}


def test_nothing_is_wrong_with_a_good_history() -> None:
    assert violations(good()) == []
    assert cancels_into_dialing(good()) == 1


def test_s1_an_invite_after_the_202_of_a_call_that_was_pending() -> None:
    history = good()
    history.invites.append(Invite("3", "d", "b3", 20.21))
    history.ended[3] = Ended(3, "failed", 1, (("dialing", 20.11), ("failed", 22.0)))
    assert broken(history) == {"S1"}


def test_s1_an_attempt_after_the_cancel_of_a_call_that_was_dialing_before() -> None:
    history = good()
    history.ended[2] = Ended(
        2, "failed", 2, (("dialing", 20.05), ("failed", 22.0), ("dialing", 82.0), ("failed", 90.0))
    )
    history.invites.append(Invite("2", "e", "b4", 82.1))
    assert broken(history) == {"S1"}


def test_s1_a_copy_of_an_invite_after_its_end_was_reported() -> None:
    history = good()
    history.invites.append(Invite("2", "c", "b2", 27.5))
    assert broken(history) == {"S1"}


def test_s1_a_call_that_was_queued_after_the_202_and_called_off() -> None:
    history = good()
    history.cancels.pop()
    history.accepted[2] = replace(history.accepted[2], asked=20.3, answered=20.4)
    assert broken(history) == {"S1"}


def test_s2_an_invite_later_than_the_fence() -> None:
    history = good()
    history.invites[0] = replace(history.invites[0], at=12.3)
    assert broken(history) == {"S2"}


@pytest.mark.parametrize("second", [Invite("1", "a", "other", 11.5), Invite("1", "z", "b9", 11.5)])
def test_s3_a_second_invite_for_one_attempt(second: Invite) -> None:
    history = good()
    history.invites.append(second)
    assert broken(history) == {"S3"}


def test_s4_a_call_without_an_end_or_with_two() -> None:
    history = good()
    history.ended[1] = replace(history.ended[1], state="connected")
    assert broken(history) == {"S4"}
    history.ended[1] = replace(good().ended[1], events=(*good().ended[1].events, ("disconnected", 14.0)))
    assert broken(history) == {"S4"}
    del history.ended[1]
    assert broken(history) == {"S4"}


def test_s4_no_callback_or_two_ids_of_it() -> None:
    history = good()
    history.deliveries.pop()
    assert broken(history) == {"S4"}
    history.deliveries += [Delivery(3, "w3"), Delivery(3, "w4")]
    assert broken(history) == {"S4"}


def test_s5_a_202_of_a_cancel_that_the_database_does_not_have() -> None:
    history = good()
    history.cancels.append(Cancel(1, asked=40.0, answered=40.1, status=202))
    assert broken(history) == {"S5"}


def test_s6_a_cancel_that_was_answered_too_late() -> None:
    history = good()
    history.cancels.append(Cancel(1, asked=40.0, answered=51.0, status=500))
    assert broken(history) == {"S6"}
