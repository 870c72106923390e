"""The one table that turns SIP answers into results, and what follows from a result."""

import pytest

from calloff.domain.results import NEVER_RETRIED, Result, may_retry, result_of_sip_code

# As the design lists them.
DESIGNED = {
    Result.BUSY: [486, 600],
    Result.NO_ANSWER: [408, 480],
    Result.DECLINED: [603, 607, 608],
    Result.INVALID_NUMBER: [404, 410, 484, 604],
    Result.REJECTED: [401, 403, 407],
    Result.CARRIER_ERROR: [500, 503, 504],
    Result.ANSWERED: [200, 202],
}


@pytest.mark.parametrize(("code", "result"), [(code, result) for result, codes in DESIGNED.items() for code in codes])
def test_each_designed_answer_has_its_result(code: int, result: Result) -> None:
    assert result_of_sip_code(code) is result


def test_every_final_answer_has_a_result_and_only_success_is_answered() -> None:
    for code in range(200, 700):
        assert (result_of_sip_code(code) is Result.ANSWERED) == (code < 300)
        assert result_of_sip_code(code) not in (Result.UNKNOWN, Result.EXPIRED)


def test_what_would_fail_again_and_what_was_answered_is_not_tried_again() -> None:
    assert {result for result in Result if not may_retry(result)} == {Result.ANSWERED, *NEVER_RETRIED}
    assert {Result.INVALID_NUMBER, Result.REJECTED} <= NEVER_RETRIED
    assert all(may_retry(result) for result in (Result.BUSY, Result.NO_ANSWER, Result.DECLINED, Result.CARRIER_ERROR))


@pytest.mark.parametrize(
    ("code", "cause", "result"),
    [
        (480, 1, Result.INVALID_NUMBER),
        (503, 28, Result.INVALID_NUMBER),
        (480, 17, Result.BUSY),
        (500, 18, Result.NO_ANSWER),
        (503, 19, Result.NO_ANSWER),
        (503, 21, Result.DECLINED),
        (480, 34, Result.CARRIER_ERROR),
        (480, 38, Result.CARRIER_ERROR),
        (500, 42, Result.CARRIER_ERROR),
        (480, 16, Result.NO_ANSWER),
        (480, 31, Result.NO_ANSWER),
        (503, 127, Result.CARRIER_ERROR),
        (486, 1, Result.BUSY),
        (403, 17, Result.REJECTED),
        (200, 17, Result.ANSWERED),
    ],
)
def test_the_q850_cause_decides_where_the_code_alone_says_little(code: int, cause: int, result: Result) -> None:
    assert result_of_sip_code(code, cause) is result


def test_a_no_that_was_meant_for_us_is_the_last_word() -> None:
    assert not may_retry(Result.DECLINED, 607)
    assert not may_retry(Result.DECLINED, 608)
    assert may_retry(Result.DECLINED, 603)
    assert may_retry(Result.BUSY, 486)
