"""An identifier that is not a positive integer, or too large to be one, does not exist: 404, never 422 or 500."""

from urllib.parse import quote

import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import NO_DEPLOYMENT, assert_error
from tests.acceptance.service import Service
from tests.acceptance.tenants import Deployment
from tests.acceptance.test_bodies import head

NOT_IDENTIFIERS = [
    "0",
    "00",
    "-1",
    "-0",
    "+1",
    "1.0",
    "1e3",
    "0x10",
    "1_000",
    "1,000",
    " 1",
    "1 ",
    "1\n",
    "1\x00",
    "\x00",
    "abc",
    "null",
    "None",
    "true",
    "*",
    "'1",
    "1;",
    "1--",
    "%",
    "%31",
    "..",
    "\u0661",
    "\uff11",
    "\u00b2",
    "\U0001d7cf",
    "é",
    "\ud7ff",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999",
    "9" * 400,
    "9" * 5000,
    "a" * 5000,
]


@pytest.mark.parametrize("text", NOT_IDENTIFIERS, ids=lambda text: ascii(text)[:30])
@pytest.mark.usefixtures("nothing_queued")
def test_does_not_exist(ask: Ask, deployment: Deployment, text: str) -> None:
    written = "%2E%2E" if text == ".." else quote(text, safe="")
    for path in (f"/api/apps/{written}/{deployment.id}", f"/api/apps/{deployment.application_id}/{written}"):
        assert_error(ask("DELETE", f"{path}/cancel"), 404, NO_DEPLOYMENT)
        assert_error(ask("POST", f"{path}/queue", data={"phone_number": "6175551234"}), 404, NO_DEPLOYMENT)
        for method, action in (("GET", "calls"), ("GET", "cancellations"), ("POST", "pause"), ("POST", "resume")):
            assert_error(ask(method, f"{path}/{action}"), 404, NO_DEPLOYMENT)
    for method in ("GET", "DELETE"):
        assert_error(ask(method, f"/api/outbound/{written}"), 404)


@pytest.mark.parametrize("raw", ["%FF", "%C3%28", "%ED%A0%80", "%zz", "%", "%0", "\xff"], ids=ascii)
def test_what_is_not_even_text_does_not_exist(service: Service, deployment: Deployment, raw: str) -> None:
    for method, path in (("GET", f"/api/outbound/{raw}"), ("DELETE", f"/api/apps/1/{raw}/cancel")):
        request = head(deployment.owner, path, method=method).decode().encode("latin-1") + b"\r\n"
        answer = service.exchange(request)
        assert_error(answer, 400 if raw == "\xff" and answer.status_code == 400 else 404)


@pytest.mark.usefixtures("nothing_queued")
def test_404_comes_before_400(ask: Ask, deployment: Deployment) -> None:
    path = f"/api/apps/{deployment.application_id}/999999999/queue"
    assert_error(ask("POST", path, data={"nonsense": "1"}), 404)
    assert_error(ask("POST", path, content=b"x", headers={"content-type": "text/plain"}), 404)
    assert_error(ask("POST", path, content=b"x" * 3_000_000), 404)
