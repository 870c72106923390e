"""Brings what an application refers to: uploaded files, and resources of other hosts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from calloff.voice.abnf import read_abnf
from calloff.voice.document import Document
from calloff.voice.grammars import Grammar
from calloff.voice.parser import parse_document
from calloff.voice.problems import ApplicationError
from calloff.voice.srgs import SpeechGrammar, read_srgs
from calloff.voice.vocabulary import NAMESPACES
from calloff.voice.web import MAX_BODY, Request, Resource, Web, WebError, file_names, is_web, multipart, with_query
from calloff.voice.xml_reader import read_xml

ReadUpload = Callable[[str], Awaitable[bytes | None]]
"""The file that was uploaded with the application under a name, None if there is none."""
MAX_FETCHES = 200
"""What one call may fetch."""


class Loader:
    """Brings resources to one call."""

    def __init__(self, web: Web, uploaded: ReadUpload) -> None:
        self._web = web
        self._uploaded = uploaded
        self._fetched = 0
        self._grammars: dict[str, Grammar] = {}

    async def resource(
        self,
        address: str,
        *,
        seconds: float,
        method: str = "GET",
        encoding: str = "",
        values: Mapping[str, str] | None = None,
        accept: str = "*/*",
    ) -> Resource:
        """The resource at an address, which is full or the name of an uploaded file. Raises `WebError`."""
        if not is_web(address):
            return await self._file(address)
        self._fetched += 1
        if self._fetched > MAX_FETCHES:
            raise WebError(f"The application asked for more than {MAX_FETCHES} resources in one call.")
        sent = values or {}
        if method == "GET":
            return await self._web.fetch(Request(with_query(address, sent), accept=accept, seconds=seconds))
        if encoding == "multipart/form-data":
            body, content_type = multipart(sent)
        else:
            body, content_type = urlencode(sent).encode(), "application/x-www-form-urlencoded"
        return await self._web.fetch(Request(address, method, body, content_type, accept, seconds))

    async def document(
        self,
        address: str,
        *,
        seconds: float,
        method: str = "GET",
        encoding: str = "",
        values: Mapping[str, str] | None = None,
    ) -> Document:
        """The document at an address. Raises `WebError`."""
        accept = "application/voicexml+xml, application/xml, text/xml, */*;q=0.1"
        found = await self.resource(
            address, seconds=seconds, method=method, encoding=encoding, values=values, accept=accept
        )
        try:
            return await asyncio.to_thread(parse_document, found.body, address)
        except ApplicationError as error:
            raise WebError(f"A document that was loaded cannot be run. {error.problems[0]}") from None

    async def grammar(self, address: str, *, seconds: float) -> Grammar:
        """The grammar at an address, read once a call. Raises `WebError`, and `SpeechGrammar` if it is for speech."""
        kept = self._grammars.get(address)
        if kept is None:
            found = await self.resource(address, seconds=seconds, accept="application/srgs+xml, application/srgs")
            kept = self._grammars[address] = await asyncio.to_thread(_grammar, found.body)
        return kept

    async def script(self, address: str, *, seconds: float) -> str:
        """The script at an address. Raises `WebError`."""
        found = await self.resource(address, seconds=seconds, accept="application/ecmascript, text/javascript, */*")
        return found.body.decode("utf-8", errors="replace")

    async def _file(self, address: str) -> Resource:
        for name in file_names(address):
            content = await self._uploaded(name)
            if content is not None:
                if len(content) > MAX_BODY:
                    raise WebError(f"The file {name!r} has more than {MAX_BODY} bytes; shorten it.")
                return Resource(address, content)
        raise WebError(f"The file {address[:80]!r} is not uploaded; upload it, or write its full address.")


def _grammar(body: bytes) -> Grammar:
    try:
        if body.lstrip().startswith(b"<"):
            return read_srgs(read_xml(body, *NAMESPACES))
        return read_abnf(body.decode("utf-8", errors="replace"))
    except SpeechGrammar:
        raise
    except ApplicationError as error:
        raise WebError(f"A grammar that was loaded cannot be used. {error.problems[0]}") from None
    except ValueError as error:
        raise WebError(f"A grammar that was loaded cannot be used. {error}") from None
