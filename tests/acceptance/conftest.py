"""One running Calloff for each worker, and a new account with its deployment for each test."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from itertools import count
from typing import Any

import httpx
import pytest

from tests.acceptance import tenants
from tests.acceptance.service import Service, running
from tests.acceptance.tenants import Database, Deployment, User
from tests.support.servers import new_database

Ask = Callable[..., httpx.Response]
_address = count(1)


@pytest.fixture(scope="session")
def service(server_url: str) -> Iterator[Service]:
    """A running Calloff on a database of its own. Tests leave it as they found it."""
    with new_database(server_url) as database_url, running(database_url) as service:
        yield service


@pytest.fixture(scope="session")
def database(service: Service) -> Iterator[Database]:
    """A connection to the database of the service, for what no request can do."""
    with tenants.connect(service.database_url) as database:
        yield database


@pytest.fixture(scope="session")
def http(service: Service) -> Iterator[httpx.Client]:
    """A client that says nothing by itself: no credentials, no `Accept`."""
    with client(service, "127.0.0.1") as http:
        yield http


@pytest.fixture
def anew(service: Service) -> Ask:
    """Ask as nobody, each time from another address: wrong credentials must not count for another test."""

    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        with client(service, new_address()) as http:
            return http.request(method, path, **options)

    return ask


def client(service: Service, address: str) -> httpx.Client:
    """A client at this address of the loopback network."""
    transport = httpx.HTTPTransport(local_address=address, verify=False)
    client = httpx.Client(base_url=service.url, transport=transport, timeout=60)
    del client.headers["accept"]
    return client


def new_address() -> str:
    """An address of the loopback network that nobody has used yet."""
    return str(IPv4Address("127.1.0.0") + next(_address))


@pytest.fixture
def owner(database: Database) -> User:
    """A user of a new account, without any right but over what it owns."""
    return tenants.new_user(database, tenants.new_account(database))


@pytest.fixture
def deployment(database: Database, owner: User) -> Deployment:
    """A deployment of the owner's on the simulated trunk."""
    return tenants.new_deployment(database, owner)


@pytest.fixture
def ask(http: httpx.Client, owner: User) -> Ask:
    """Ask as the owner: `ask(method, path, ...)`."""

    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        return http.request(method, path, **{"auth": owner.auth, **options})

    return ask


@pytest.fixture
def queued(database: Database, deployment: Deployment) -> Callable[[], int]:
    """How many calls the deployment was ever given."""
    return lambda: tenants.queued_calls(database, deployment)


@pytest.fixture
def nothing_queued(queued: Callable[[], int]) -> Iterator[None]:
    """Whatever the test asked for, its deployment was given no call."""
    yield
    assert queued() == 0


@pytest.fixture
def later(ask: Ask, deployment: Deployment) -> Callable[..., str]:
    """Queue a call that is scheduled for a far later time; returns its ID."""

    def queue(**fields: str) -> str:
        fields = {"phone_number": "6175551234", "start_timestamp": "4000000000", **fields}
        response = ask("POST", deployment.path("queue"), data=fields)
        assert response.status_code == 200, response.text
        call_id: str = response.json()["call_id"]
        return call_id

    return queue
