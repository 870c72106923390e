"""An answer in the representation that the client asks for (contract, *Every request*)."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from calloff.contract.rendering import JSON, XML, prefers_xml, to_json, to_xml


def respond(
    request: Request,
    content: Mapping[str, Any],
    xml: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`content` in the representation that the request prefers; `xml` is what XML says in its place."""
    if prefers_xml(request.headers.getlist("accept")):
        return Response(to_xml(content if xml is None else xml), status, headers, XML)
    return Response(to_json(content), status, headers, JSON)
