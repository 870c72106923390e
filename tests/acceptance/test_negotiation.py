"""`Accept` picks the representation (contract, *Every request*)."""

import httpx
import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import assert_error
from tests.acceptance.tenants import Deployment

AS_JSON = [
    None,
    "",
    "*/*",
    "application/*",
    "application/json",
    "APPLICATION/JSON",
    "text/html",
    "text/xml",
    "application/xml+x",
    "application/xmlx",
    "application/atom+xml",
    "image/png, text/*;q=0.3",
    "nonsense",
    ",,,",
    ";q=1",
    "application/json, application/xml",
    "application/xml, application/json",
    "application/xml;q=0.5, application/json;q=0.5",
    "application/xml;q=0.5, application/json",
    "application/xml;q=0.5, */*",
    "application/xml, */*",
    "application/xml;q=0.7, application/*;q=0.8",
    "application/xml;q=0",
    "application/xml;q=0.0, text/html",
    "application/xml;q=0, */*;q=0.1",
    "application/xml;q=0, application/json;q=0",
    "application/xml;q=0.001, application/json;q=0.002",
]
AS_XML = [
    "application/xml",
    "APPLICATION/XML",
    "application/xml;q=1",
    "application/xml;q=0.1",
    "application/xml; q=0.001",
    "application/xml ; q=1.000 , text/html",
    "text/html, application/xml",
    "application/json;q=0.9, application/xml",
    "application/json;q=0.9, application/xml;q=0.91",
    "application/json;Q=0.5, application/xml;Q=0.6",
    "application/xml, */*;q=0.8",
    "application/xml, application/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "application/json;q=0, */*",
    "application/json;q=0, application/*;q=0.5",
    "application/json;q=0.1, */*;q=0.9",
]


@pytest.mark.parametrize(("accept", "xml"), [(a, False) for a in AS_JSON] + [(a, True) for a in AS_XML])
def test_picks_the_representation(ask: Ask, deployment: Deployment, accept: str | None, xml: bool) -> None:
    headers = {} if accept is None else {"accept": accept}
    assert_error(ask("DELETE", "/api/apps/999999/999999/cancel", headers=headers), 404, xml=xml)


@pytest.mark.parametrize(
    "accept",
    [
        "application/xml;q=abc",
        "application/xml;q=2",
        "application/xml;q=-1",
        "application/xml;q=nan",
        "a/b;" * 5000,
        "\xff",
    ],
)
def test_nonsense_is_no_reason_to_fail(ask: Ask, accept: str) -> None:
    response = ask("DELETE", "/api/apps/999999/999999/cancel", headers={"accept": accept.encode("latin-1")})
    assert_error(response, 404, xml=response.headers["content-type"].startswith("application/xml"))


def test_several_headers_are_one_list(http: httpx.Client, deployment: Deployment) -> None:
    for lines, xml in (
        (["text/html", "application/xml"], True),
        (["application/xml;q=0.5", "application/json"], False),
        (["application/json;q=0.5", "application/xml"], True),
    ):
        headers = [("accept", line) for line in lines]
        response = http.delete("/api/apps/999999/999999/cancel", headers=headers, auth=deployment.owner.auth)
        assert_error(response, 404, xml=xml)
