"""The answers that the OpenAPI document shows are those of the application, word for word, in JSON and XML."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import httpx
import pytest

from calloff.accounts.deployments import delete_deployment
from calloff.accounts.keys import add_key
from calloff.accounts.users import add_user
from calloff.api import bodies
from calloff.api.app import create_app
from calloff.api.openapi import openapi_document
from calloff.calls.idempotency import IdempotencyKey, in_progress
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain import patience
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.lists import upload_slots
from tests.integration.api.asking import OPERATIONS, Asker, NeverEnding
from tests.support.seed import seed
from tests.support.uploading import queue_small_list

_NUMBER = {"phone_number": "+16175550123"}
_WITH_A_BODY = ("queue", "bulk_queue", "do_not_call_add", "do_not_call_remove", "do_not_call_find")
_FORM = {"content-type": "multipart/form-data; boundary=end"}


@asynccontextmanager
async def wrong(asker: Asker) -> AsyncIterator[None]:
    """The key is not the user's, and nobody guesses twice from one address."""
    asker.addresses = (f"192.0.2.{number}" for number in count(1))
    asker.auth = (asker.seed.email, "wrong")
    yield


@asynccontextmanager
async def missing(asker: Asker) -> AsyncIterator[None]:
    """No credentials are sent."""
    asker.auth = None
    yield


@asynccontextmanager
async def slowed(asker: Asker) -> AsyncIterator[None]:
    """Somebody has guessed at this user's key from this address."""
    for number in range(10):
        asker.auth = (asker.seed.email, f"guess {number}")
        assert (await asker.ask("cancel")).status_code == 401
    yield


@asynccontextmanager
async def method(asker: Asker) -> AsyncIterator[None]:
    """No operation has this method."""
    asker.method = "PUT"
    yield


@asynccontextmanager
async def not_permitted(asker: Asker) -> AsyncIterator[None]:
    """A user of the account with whom nothing is shared."""
    user = await add_user(asker.pool, asker.seed.account_id, "colleague@example.com")
    asker.auth = (user.email, (await add_key(asker.pool, user.id)).developer_key)
    # Its list is every member's to look into.
    asker.options["do_not_call_find"] = {"data": {**_NUMBER, "application_id": str(asker.seed.application_id)}}
    yield


@asynccontextmanager
async def not_there(asker: Asker) -> AsyncIterator[None]:
    """There is nothing of these IDs."""
    asker.ids = dict.fromkeys(asker.ids, 999_999)
    for operation_id in ("do_not_call_add", "do_not_call_remove", "do_not_call_find"):
        asker.options[operation_id] = {"data": {**_NUMBER, "source": "told an agent", "application_id": "999999"}}
        if operation_id != "do_not_call_add":
            del asker.options[operation_id]["data"]["source"]
    yield


@asynccontextmanager
async def deleted(asker: Asker) -> AsyncIterator[None]:
    """The deployment was there once."""
    await delete_deployment(asker.pool, asker.seed.deployment_id, user_id=asker.seed.user_id, origin="test")
    yield


@asynccontextmanager
async def not_pending(asker: Asker) -> AsyncIterator[None]:
    """The call is over."""
    assert (await asker.ask("cancel")).status_code == 202
    yield


@asynccontextmanager
async def invalid(asker: Asker) -> AsyncIterator[None]:
    """Something in the request has to be mended."""
    asker.options = {
        "queue": {"data": {"max_attempts": "1"}},
        "bulk_queue": {"files": {"csv": ("list.csv", "name,age\nAnna,40\n")}},
        "do_not_call_add": {"data": {"phone_number": ""}},
        "do_not_call_remove": {"data": {"phone_number": ""}},
        "do_not_call_find": {"data": {"phone_number": ""}},
        "list_calls": {"params": {"limit": 1000}},
        "list_lists": {"params": {"limit": 1000}},
        "list_cancellations": {"params": {"limit": 1000}},
        "cancel": {"params": {"in_progress": "kill"}},
        "read_trace": {"params": {"format": "png"}},
    }
    yield


@asynccontextmanager
async def in_progress_elsewhere(asker: Asker) -> AsyncIterator[None]:
    """Another request with the key has not been answered yet."""
    asker.headers = {"idempotency-key": "once"}
    async with (
        asker.pool.connection() as connection,
        in_progress(connection, IdempotencyKey(asker.seed.deployment_id, "once")),
    ):
        yield


@asynccontextmanager
async def key_reused(asker: Asker) -> AsyncIterator[None]:
    """The key belongs to a call to another number."""
    asker.headers = {"idempotency-key": "once"}
    asker.options = {"queue": {"data": {"phone_number": "6175550009"}}}
    assert (await asker.ask("queue")).status_code == 200
    asker.options = {}
    yield


@asynccontextmanager
async def too_slow(asker: Asker) -> AsyncIterator[None]:
    """The body stops in the middle, and nobody waits as long as elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "BODY_SECONDS", 0.05)
        patch.setattr(patience, "STALL_SECONDS", 0.05)
        for operation_id in _WITH_A_BODY:
            asker.options[operation_id] = {"content": NeverEnding(b"--end\r\n"), "headers": _FORM}
        yield


@asynccontextmanager
async def too_large(asker: Asker) -> AsyncIterator[None]:
    """The body is announced as larger than what is read."""
    for operation_id in _WITH_A_BODY:
        asker.options[operation_id] = {"content": b"--end", "headers": {**_FORM, "content-length": str(2**30)}}
    yield


@asynccontextmanager
async def unsupported(asker: Asker) -> AsyncIterator[None]:
    """A body of a type that nobody reads."""
    for operation_id in _WITH_A_BODY:
        asker.options[operation_id] = {"content": b"x", "headers": {"content-type": "text/plain"}}
    yield


@asynccontextmanager
async def busy(asker: Asker) -> AsyncIterator[None]:
    """Every place that the account may take is taken, and nobody waits for one as long as elsewhere."""
    async with AsyncExitStack() as taken:
        for _ in range(upload_slots.MAX_OF_ONE_ACCOUNT):
            await taken.enter_async_context(asker.app.state.uploads.take(asker.seed.account_id))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(upload_slots, "WAIT_SECONDS", 0.05)
            yield


@asynccontextmanager
async def failed(asker: Asker) -> AsyncIterator[None]:
    """There is no connection to the database any more."""
    await asker.pool.close()
    yield


@asynccontextmanager
async def not_confirmed(asker: Asker) -> AsyncIterator[None]:
    """The database can be read, and takes no change."""
    other = {"phone_number": "+16175550124"}
    asker.options["do_not_call_add"] = {"data": {**other, "source": "told an agent"}}
    assert (await asker.ask("do_not_call_add")).status_code == 200
    asker.options = {"do_not_call_remove": {"data": other}}
    async with asker.pool.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$"
        )
        for table in ("call", "queue", "list", "do_not_call"):
            await connection.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON {table} EXECUTE FUNCTION refuse()"
            )
    yield


@asynccontextmanager
async def no_message(asker: Asker) -> AsyncIterator[None]:
    """The deployment is on a real trunk."""
    async with asker.pool.connection() as connection:
        await connection.execute("UPDATE trunk SET kind = 'sip'")
    yield


CAUSES: dict[str, Callable[[Asker], AbstractAsyncContextManager[None]]] = {
    "wrong": wrong,
    "missing": missing,
    "slowed": slowed,
    "method": method,
    "not_permitted": not_permitted,
    "no_deployment": not_there,
    "no_call": not_there,
    "no_list": not_there,
    "no_application": not_there,
    "deleted": deleted,
    "not_pending": not_pending,
    "invalid": invalid,
    "in_progress": in_progress_elsewhere,
    "key_reused": key_reused,
    "no_message": no_message,
    "too_slow": too_slow,
    "too_large": too_large,
    "unsupported": unsupported,
    "busy": busy,
    "failed": failed,
    "not_confirmed": not_confirmed,
    "no_database": failed,
}
"""What makes the application answer the example of that name."""


@pytest.fixture
async def asker(pool: Pool, database_url: str) -> Asker:
    """The owner of a deployment with one pending call."""
    made = await seed(pool)
    call_id = await submit(pool, made.deployment_id, NewCall(parse_destination("6175551234")))
    list_id = await queue_small_list(pool, made.deployment_id)
    return Asker(
        app=create_app(pool, database_url),
        pool=pool,
        seed=made,
        auth=(made.email, made.developer_key),
        ids={
            "application_id": made.application_id,
            "deployment_id": made.deployment_id,
            "call_id": call_id,
            "list_id": list_id,
        },
    )


@pytest.mark.parametrize("cause", CAUSES)
async def test_every_error_is_as_shown(cause: str, asker: Asker) -> None:
    shown, answered = _shown(cause), {}
    async with CAUSES[cause](asker):
        for operation_id, _, media_type in shown:
            answer = await asker.ask(operation_id, media_type)
            answered[operation_id, answer.status_code, media_type] = _body(answer, media_type)
    assert shown
    assert _timeless(answered) == _timeless(shown)


@pytest.mark.parametrize("media_type", ["application/json", "application/xml"])
@pytest.mark.parametrize(
    "operation_id", ["queue", "bulk_queue", "pause", "resume", "pause_list", "resume_list", "healthz", "readyz"]
)
async def test_what_is_always_the_same_is_as_shown(operation_id: str, media_type: str, asker: Asker) -> None:
    async with asker.pool.connection() as connection:
        await connection.execute("ALTER TABLE call ALTER COLUMN id RESTART WITH 123")
        await connection.execute("ALTER TABLE list ALTER COLUMN id RESTART WITH 7")
    answer = await asker.ask(operation_id, media_type)
    assert _body(answer, media_type) == _shown("success")[operation_id, answer.status_code, media_type]


def test_every_error_has_a_cause() -> None:
    answers = [answer for _, status, answer in _answers() if status >= 400]
    names = {name for answer in answers for media in answer["content"].values() for name in media.get("examples", {})}
    assert names == set(CAUSES)


def _shown(name: str) -> dict[tuple[str, int, str], Any]:
    """The examples of that name, by operation, status and media type."""
    return {
        (operation_id, status, media_type): media["examples"][name]["value"]
        for operation_id, status, answer in _answers()
        for media_type, media in answer.get("content", {}).items()
        if name in media.get("examples", {})
    }


def _answers() -> Iterator[tuple[str, int, dict[str, Any]]]:
    shared = openapi_document()["components"]["responses"]
    for operation_id, (_, _, operation) in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            yield operation_id, int(status), shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer


def _body(answer: httpx.Response, media_type: str) -> Any:
    assert answer.headers["content-type"] == media_type
    return answer.json() if media_type == "application/json" else answer.text


def _timeless(answers: dict[tuple[str, int, str], Any]) -> dict[tuple[str, int, str], str]:
    """The answers, whatever time is left or was waited."""
    return {name: re.sub(r"(in|within) \d+ seconds", r"\1 5 seconds", str(body)) for name, body in answers.items()}
