"""Asks every operation of the OpenAPI document as it wants to be asked, but for what a test changes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import httpx
from fastapi import FastAPI

from calloff.api.openapi import openapi_document
from calloff.db.pool import Pool
from tests.support.seed import Seed

OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in openapi_document()["paths"].items()
    for method, operation in methods.items()
}
"""Method, path and description of each."""
LIST = "destination,name\n+16175551234,Anna\n+16175551235,Ben\n12,Carl\n"


@dataclass(slots=True)
class Asker:
    """A caller of the application, and what is particular about the requests."""

    app: FastAPI
    pool: Pool
    seed: Seed
    auth: tuple[str, str] | None
    ids: dict[str, int]
    """For the paths."""
    addresses: Iterator[str] = field(default_factory=lambda: repeat("192.0.2.1"))
    """Where one request after the other comes from."""
    method: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    """For some operations, what httpx is to send instead of what they want."""

    async def ask(self, operation_id: str, accept: str = "application/json") -> httpx.Response:
        """The answer."""
        method, path, operation = OPERATIONS[operation_id]
        options = self.options.get(operation_id)
        if options is None:
            options = _body(operation)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(next(self.addresses), 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://calloff.test") as client:
            request = client.build_request(self.method or method, path.format(**self.ids), **options)
            request.headers.update({**self.headers, "accept": accept})
            # A request without credentials has none, whatever the environment says.
            auth = httpx.BasicAuth(*self.auth) if self.auth else httpx.Auth()
            return await client.send(request, auth=auth)


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    media_types = operation.get("requestBody", {}).get("content", {})
    if "application/json" in media_types:
        return {"json": media_types["application/json"]["example"]}
    return {"files": {"csv": ("list.csv", LIST)}} if media_types else {}


class NeverEnding:
    """A body of which nothing comes any more after its beginning."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._beginning
        await asyncio.Event().wait()
