"""What an application sends to other hosts and gets from them."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit, urlunsplit

import httpx

from calloff.domain.errors import CalloffError
from calloff.outbound.client import Client, Unreachable
from calloff.outbound.guard import AddressRefused
from calloff.voice.problems import ApplicationError
from calloff.voice.xml_reader import Element, Text, read_xml

MAX_BODY = 1024 * 1024
"""Bytes of a document, a grammar, a script or data that are read."""


class WebError(CalloffError):
    """A resource could not be had; the message says why, without its address."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP, if its server answered."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for."""

    url: str
    method: str = "GET"
    body: bytes = b""
    content_type: str = ""
    accept: str = "*/*"
    seconds: float = 10.0
    max_bytes: int = MAX_BODY
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resource:
    """What came back with a 2xx."""

    url: str
    """Where it is from, as far as that tells what its relative addresses mean."""
    body: bytes
    content_type: str = ""


class Web:
    """Asks other hosts by the one client that connects to addresses which others named."""

    def __init__(self, client: Client) -> None:
        """`client` is closed by whoever made it."""
        self._client = client

    async def fetch(self, request: Request) -> Resource:
        """The answer to `request`. Raises `WebError`, also for an answer that is no 2xx."""
        headers = {"accept": request.accept, **request.headers}
        if request.content_type:
            headers["content-type"] = request.content_type
        try:
            found = await self._client.fetch(
                request.url,
                headers,
                max_bytes=request.max_bytes,
                method=request.method,
                body=request.body,
                seconds=request.seconds,
            )
        except (Unreachable, AddressRefused) as error:
            raise WebError(f"It could not be had: {error.message}") from None
        if not httpx.codes.is_success(found.status):
            raise WebError(f"Its server answered {found.status}.", found.status)
        return Resource(request.url, found.body, found.headers.get("content-type", ""))


def resolve(base: str, address: str) -> tuple[str, str]:
    """The address that `address` means in a document from `base`, and the fragment after its `#`."""
    full, fragment = urldefrag(urljoin(base, address.strip()))
    return full, fragment


def is_web(address: str) -> bool:
    """Whether an address is one of HTTP, and not the name of an uploaded file."""
    return address.lower().startswith(("http://", "https://"))


def file_names(address: str) -> tuple[str, ...]:
    """The names under which a file may have been uploaded that a document knows by a relative address."""
    path = urlsplit(address).path.lstrip("/")
    return tuple(dict.fromkeys((path, path.rpartition("/")[2])))


def with_query(url: str, values: Mapping[str, str]) -> str:
    """`url` with `values` added to its query."""
    if not values:
        return url
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(values)) if part)
    return urlunsplit(parts._replace(query=query))


def multipart(values: Mapping[str, str]) -> tuple[bytes, str]:
    """A body of type `multipart/form-data`, and its content type."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in values.items()
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode(), f"multipart/form-data; boundary={boundary}"


def data_of(resource: Resource) -> tuple[object, object]:
    """XML as nested lists `[name, attributes, [children]]`, or else the value that JSON says. Raises `WebError`."""
    if "json" in resource.content_type or re.match(rb"\s*[\[{\"0-9tfn-]", resource.body):
        try:
            return None, json.loads(resource.body)
        except ValueError:
            raise WebError("What was sent as JSON cannot be read.") from None
    try:
        return _tree(read_xml(resource.body)), None
    except ApplicationError as error:
        raise WebError(f"What was sent as XML cannot be read. {error.problems[0].message}") from None


def _tree(element: Element) -> list[object]:
    children = [child.text if isinstance(child, Text) else _tree(child) for child in element.children]
    return [element.name, element.attributes, children]
