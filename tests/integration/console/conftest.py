"""The API and the console in one application, reached without a network."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from calloff.accounts.access import Permission, User
from calloff.accounts.permissions import share_application
from calloff.accounts.sessions import Session, begin_session
from calloff.accounts.throttle import Throttle
from calloff.accounts.users import add_user
from calloff.api.app import create_app
from calloff.console.app import mount_console
from calloff.console.visitor import COOKIE
from calloff.db.pool import Pool
from tests.support.sealing import TRUNK_KINDS
from tests.support.seed import Seed

ORIGIN = "http://calloff.test"
_EVERYTHING = """
SELECT md5(string_agg(t::text, '' ORDER BY t::text)) AS value FROM (
    SELECT to_jsonb(a) FROM application AS a UNION ALL SELECT to_jsonb(d) FROM deployment AS d
    UNION ALL SELECT to_jsonb(p) FROM permission AS p UNION ALL SELECT to_jsonb(q) FROM queue AS q
    UNION ALL SELECT to_jsonb(c) FROM cancellation AS c UNION ALL SELECT to_jsonb(u) FROM account_user AS u
    UNION ALL SELECT to_jsonb(k) FROM developer_key AS k UNION ALL SELECT to_jsonb(r) FROM trunk AS r
    UNION ALL SELECT to_jsonb(c) FROM call AS c UNION ALL SELECT to_jsonb(l) FROM audit_log AS l
    UNION ALL SELECT to_jsonb(o) FROM account AS o
) AS t
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser that is signed in."""

    client: httpx.AsyncClient
    session: Session

    async def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.client.get(path)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the session's own."""
        headers = {"origin": ORIGIN, "x-form-token": self.session.form_token}
        return await self.client.post(path, data={"form_token": self.session.form_token, **fields}, headers=headers)


@pytest.fixture
def app(pool: Pool, database_url: str) -> FastAPI:
    """Everything on one address."""
    return new_app(pool, database_url)


def new_app(pool: Pool, database_url: str) -> FastAPI:
    """Everything on one address, on a pool of one's own."""
    throttle = Throttle()
    app = create_app(pool, database_url, throttle)
    mount_console(app, pool, database_url, throttle, trunk_kinds=TRUNK_KINDS)
    return app


def client_of(app: FastAPI, address: str = "192.0.2.1") -> httpx.AsyncClient:
    """A client at `address`."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is not signed in."""
    async with client_of(app) as client:
        yield client


async def visit(app: FastAPI, pool: Pool, user: User) -> Visit:
    """A browser in which that user is signed in."""
    session = await begin_session(pool, user)
    client = client_of(app)
    client.cookies.set(COOKIE, session.token, domain="calloff.test", path="/console")
    return Visit(client, session)


def owner_of(seed: Seed) -> User:
    """The seeded user, an administrator."""
    return User(seed.user_id, seed.account_id, seed.email, True)


async def colleague(pool: Pool, seed: Seed, *permissions: Permission) -> User:
    """Another user of the account who may do just this in the seeded application."""
    name = "-".join(permissions) or "nothing"
    added = await add_user(pool, seed.account_id, f"{name}-{seed.account_id}@example.com")
    await share_application(pool, seed.application_id, added.id, permissions)
    return User(added.id, seed.account_id, added.email, False)


async def fingerprint(pool: Pool) -> str:
    """What differs once anything but a session was changed."""
    async with pool.connection() as connection:
        row = await (await connection.execute(_EVERYTHING)).fetchone()
    assert row is not None
    return str(row["value"])


def console_routes(app: FastAPI) -> set[tuple[str, str]]:
    """Method and path of every page, without what only leads to one."""
    console = next(route.app for route in app.routes if isinstance(route, Mount) and route.path == "/console")
    assert isinstance(console, FastAPI)
    return {("/console" + path, method) for path, method in _flat(console.routes)}


def api_routes(app: FastAPI) -> set[tuple[str, str]]:
    """Method and path of every operation of the API."""
    return _flat(app.routes)


def other_routes(app: FastAPI) -> set[str]:
    """What answers beside the operations of the API and the pages of the console, by path."""
    console = next(route.app for route in app.routes if isinstance(route, Mount) and route.path == "/console")
    assert isinstance(console, FastAPI)
    outside = {getattr(route, "path", "") for route in _others(app.routes)}
    return outside | {f"/console{getattr(route, 'path', '')}" for route in _others(console.routes)}


def _others(routes: object) -> list[object]:
    found: list[object] = []
    for route in routes:  # type: ignore[attr-defined]
        if hasattr(route, "original_router"):
            found += _others(route.original_router.routes)
        elif not isinstance(route, APIRoute):
            found.append(route)
    return found


def _flat(routes: object) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for route in routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute):
            found |= {(route.path, method) for method in route.methods or ()}
        elif hasattr(route, "original_router"):
            prefix = getattr(getattr(route, "include_context", None), "prefix", "")
            found |= {(prefix + path, method) for path, method in _flat(route.original_router.routes)}
    return found
