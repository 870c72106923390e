"""`GET /healthz` and `/readyz`, for whoever asks (contract, *Extensions*); during an outage: `test_outage.py`."""

import httpx
import pytest

from tests.acceptance.expect import assert_error, read_xml


@pytest.mark.parametrize(("path", "status"), [("/healthz", "ok"), ("/readyz", "ready")])
def test_answers_without_credentials(http: httpx.Client, path: str, status: str) -> None:
    response = http.get(path)
    assert (response.status_code, response.json()) == (200, {"status": status})
    assert http.get(path, auth=("nobody@example.com", "wrong")).status_code == 200
    as_xml = http.get(path, headers={"accept": "application/xml"})
    assert read_xml(as_xml.content) == {"status": status}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_get_is_allowed(http: httpx.Client, path: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        response = http.request(method, path)
        assert_error(response, 405)
        assert response.headers["allow"] == "GET"


def test_is_outside_of_the_api(http: httpx.Client) -> None:
    for path in ("/api/healthz", "/api/readyz", "/healthz/", "/healthz/x"):
        assert_error(http.get(path), 404)
