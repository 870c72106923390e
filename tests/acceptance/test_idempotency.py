"""`Idempotency-Key` on `queue` (contract, *Queue one call*)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask
from tests.acceptance.expect import assert_error
from tests.acceptance.tenants import Database, Deployment
from tests.acceptance.test_queue import LATER, assert_queued


def test_the_same_key_and_body_answers_as_the_first_time(
    ask: Ask, deployment: Deployment, queued: Callable[[], int]
) -> None:
    def queue(key: str) -> httpx.Response:
        return ask("POST", deployment.path("queue"), data=LATER, headers={"idempotency-key": key})

    first, again, other = queue("a"), queue("a"), queue("b")
    assert assert_queued(first) == assert_queued(again) != assert_queued(other)
    assert again.headers["link"] == first.headers["link"]
    assert queued() == 2


def test_another_body_is_422(ask: Ask, deployment: Deployment, queued: Callable[[], int]) -> None:
    path, headers = deployment.path("queue"), {"idempotency-key": "a"}
    assert_queued(ask("POST", path, data=LATER, headers=headers))
    for xml in (False, True):
        accept = {"accept": "application/xml" if xml else "application/json"}
        response = ask("POST", path, data={**LATER, "is_pci": "1"}, headers=headers | accept)
        assert_error(response, 422, xml=xml)
    assert queued() == 1


def test_a_refused_request_uses_up_no_key(ask: Ask, deployment: Deployment, queued: Callable[[], int]) -> None:
    path, headers = deployment.path("queue"), {"idempotency-key": "a"}
    assert_error(ask("POST", path, data={"phone_number": "x"}, headers=headers), 400)
    assert_queued(ask("POST", path, data=LATER, headers=headers))
    assert queued() == 1


def test_a_key_is_one_deployments(
    ask: Ask, database: Database, deployment: Deployment, queued: Callable[[], int]
) -> None:
    other = tenants.new_deployment(database, deployment.owner)
    headers = {"idempotency-key": "a"}
    first = assert_queued(ask("POST", deployment.path("queue"), data=LATER, headers=headers))
    assert assert_queued(ask("POST", other.path("queue"), data=LATER, headers=headers)) != first
    assert queued() == 1


def test_fifty_at_once_queue_one_call(ask: Ask, deployment: Deployment, queued: Callable[[], int]) -> None:
    together = Barrier(50)

    def queue(_: int) -> httpx.Response:
        together.wait(30)
        return ask("POST", deployment.path("queue"), data=LATER, headers={"idempotency-key": "a"})

    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(queue, range(50)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({assert_queued(answer) for answer in answers if answer.status_code == 200}) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert_error(answer, 409)
    assert queued() == 1


@pytest.mark.parametrize("key", ["", "a b", "a" * 256, "\xe9"])
@pytest.mark.usefixtures("nothing_queued")
def test_what_is_no_key_is_400(ask: Ask, deployment: Deployment, key: str) -> None:
    headers = {"idempotency-key": key.encode("latin-1")}
    response = ask("POST", deployment.path("queue"), data=LATER, headers=headers)
    assert "Idempotency-Key" in assert_error(response, 400)
