"""Who may ask at all: 401 for everybody else, the same for whatever reason (contract, *Every request*)."""

from base64 import b64encode
from collections.abc import Callable
from itertools import product

import httpx
import pytest

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask, client, new_address
from tests.acceptance.expect import assert_error
from tests.acceptance.service import Service
from tests.acceptance.tenants import Database, Deployment, User

ROUTES = [
    ("POST", "queue"),
    ("POST", "bulk_queue"),
    ("DELETE", "cancel"),
    ("GET", "calls"),
    ("GET", "cancellations"),
    ("POST", "pause"),
    ("POST", "resume"),
]
FORM = {"phone_number": "6175551234"}


def basic(text: str | bytes) -> str:
    """An `Authorization` header of these credentials."""
    return "Basic " + b64encode(text.encode() if isinstance(text, str) else text).decode()


def every_route(deployment: Deployment, call_id: str) -> list[tuple[str, str]]:
    """Every method and path of the API."""
    on_deployment = [(method, deployment.path(action)) for method, action in ROUTES]
    one = f"/api/outbound/{call_id}"
    return [*on_deployment, ("GET", one), ("GET", f"{one}/trace"), ("DELETE", one)]


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_no_route_answers_without_credentials(
    anew: Ask,
    ask: Ask,
    deployment: Deployment,
    later: Callable[..., str],
    queued: Callable[[], int],
    xml: bool,
) -> None:
    call_id = later()
    headers = {"accept": "application/xml" if xml else "application/json"}
    messages = set()
    for (method, path), auth in product(
        every_route(deployment, call_id), [None, ("nobody@example.com", "wrong"), (deployment.owner.email, "wrong")]
    ):
        response = anew(method, path, headers=headers, auth=auth)
        messages.add((auth is None, assert_error(response, 401, xml=xml)))
    assert len({message for without, message in messages if not without}) == 1, "the reason shows"
    assert queued() == 1
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"


@pytest.mark.parametrize("who", ["inactive user", "inactive account", "revoked key"])
def test_who_was_shut_out_is_401(
    anew: Ask, database: Database, deployment: Deployment, later: Callable[..., str], who: str
) -> None:
    call_id, owner = later(), deployment.owner
    shut_out(database, owner, who)
    wrong = anew("DELETE", deployment.path("cancel"), auth=(owner.email, "wrong"))
    for method, path in every_route(deployment, call_id):
        response = anew(method, path, auth=owner.auth)
        assert_error(response, 401)
        assert response.content == wrong.content
    assert tenants.queued_calls(database, deployment) == 1


def shut_out(database: Database, user: User, who: str) -> None:
    """Take the right to ask away from the user, in this way."""
    statement, row = {
        "inactive user": (b"UPDATE account_user SET deactivated_at = now() WHERE id = %s", user.id),
        "inactive account": (b"UPDATE account SET deactivated_at = now() WHERE id = %s", user.account_id),
        "revoked key": (b"UPDATE developer_key SET revoked_at = now() WHERE user_id = %s", user.id),
    }[who]
    database.execute(statement, [row])


def test_a_new_key_works_beside_the_old_one_until_that_is_revoked(
    anew: Ask, database: Database, deployment: Deployment
) -> None:
    path, owner = deployment.path("cancel"), deployment.owner
    database.execute(
        "INSERT INTO developer_key (user_id, sha256) VALUES (%s, sha256('second')), (%s, sha256('third'))",
        [owner.id, owner.id],
    )
    for key in (owner.key, "second", "third"):
        assert anew("DELETE", path, auth=(owner.email, key)).status_code == 202
    database.execute(
        "UPDATE developer_key SET revoked_at = now() WHERE user_id = %s AND sha256 = sha256('second')", [owner.id]
    )
    assert_error(anew("DELETE", path, auth=(owner.email, "second")), 401)
    assert anew("DELETE", path, auth=owner.auth).status_code == 202


def test_a_key_of_somebody_else_is_401(anew: Ask, database: Database, deployment: Deployment) -> None:
    other = tenants.new_user(database, deployment.owner.account_id, administrator=True)
    assert_error(anew("DELETE", deployment.path("cancel"), auth=(other.email, deployment.owner.key)), 401)


def test_the_email_address_compares_case_insensitively(anew: Ask, deployment: Deployment) -> None:
    email, key = deployment.owner.auth
    for written in (email.upper(), email.lower(), email.swapcase()):
        assert anew("DELETE", deployment.path("cancel"), auth=(written, key)).status_code == 202
    assert_error(anew("DELETE", deployment.path("cancel"), auth=(email, key.upper())), 401)


def test_the_scheme_compares_case_insensitively(anew: Ask, deployment: Deployment) -> None:
    header = basic(":".join(deployment.owner.auth))
    for scheme in ("basic", "BASIC", "Basic"):
        written = f"{scheme} {header.partition(' ')[2]}"
        assert anew("DELETE", deployment.path("cancel"), headers={"authorization": written}).status_code == 202


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: "",
        lambda good: "Basic",
        lambda good: "Basic !!!",
        lambda good: "Basic =",
        lambda good: basic("no colon"),
        lambda good: basic(":"),
        lambda good: basic(good.partition(":")[0] + ":"),
        lambda good: basic(":" + good.partition(":")[2]),
        lambda good: basic(good + " "),
        lambda good: basic(good + "\n"),
        lambda good: basic(good + "\x00"),
        lambda good: basic(good.replace("@", "@\x00")),
        lambda good: basic(good.encode() + b"\xff"),
        lambda good: basic(b"\xff\xfe:" + good.encode()),
        lambda good: basic(good + ":"),
        lambda good: basic("' OR 1=1 --:" + good.partition(":")[2]),
        lambda good: basic("%:" + good.partition(":")[2]),
        lambda good: basic("a" * 20_000 + ":b"),
        lambda good: basic("a@b.example:" + "b" * 20_000),
        lambda good: "Bearer " + good.partition(":")[2],
        lambda good: "Digest username=" + good,
        lambda good: basic(good)[6:],
        lambda good: basic(good)[:-4],
        lambda good: good,
    ],
)
def test_what_are_not_credentials(anew: Ask, deployment: Deployment, spoil: Callable[[str], str]) -> None:
    header = spoil(":".join(deployment.owner.auth))
    assert_error(anew("DELETE", deployment.path("cancel"), headers={"authorization": header}), 401)


def test_401_comes_before_404_and_400(anew: Ask, deployment: Deployment) -> None:
    for auth in (None, ("nobody@example.com", "wrong")):
        assert_error(anew("DELETE", "/api/apps/999999/999999/cancel", auth=auth), 401)
        assert_error(anew("GET", "/api/outbound/0", auth=auth), 401)
        assert_error(anew("POST", deployment.path("queue"), data={"nonsense": "1"}, auth=auth), 401)
        assert_error(anew("POST", deployment.path("queue"), content=b"x" * 3_000_000, auth=auth), 401)
        assert_error(anew("POST", deployment.path("queue"), content=b"x", auth=auth), 401)


def test_credentials_in_the_query_or_the_body_are_nothing(anew: Ask, deployment: Deployment) -> None:
    email, key = deployment.owner.auth
    assert_error(anew("DELETE", deployment.path("cancel"), params={"email": email, "developer_key": key}), 401)
    assert_error(anew("POST", deployment.path("queue"), data={**FORM, "email": email, "developer_key": key}), 401)


def test_guessing_is_slowed_with_an_error_body(http: httpx.Client, service: Service, deployment: Deployment) -> None:
    path, owner = deployment.path("cancel"), deployment.owner
    with client(service, new_address()) as guesser:
        for guess in range(100):
            if guesser.delete(path, auth=(owner.email, str(guess))).status_code == 429:
                break
        for xml in (False, True):
            headers = {"accept": "application/xml" if xml else "application/json"}
            response = guesser.delete(path, auth=(owner.email, "wrong"), headers=headers)
            assert_error(response, 429, xml=xml)
            assert int(response.headers["retry-after"]) > 0
        assert guesser.delete(path, auth=owner.auth).status_code == 202, "the owner is locked out"
    assert http.delete(path, auth=owner.auth).status_code == 202
