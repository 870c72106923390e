"""HTTP/1.1 as uvicorn speaks it, with our errors and within limits: for `uvicorn.Config(http=HttpProtocol)`."""

import asyncio

import httptools
from fastapi import Request
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from calloff.api.connections import Seat
from calloff.api.errors import error_response
from calloff.domain.codes import Code, Said

_MAX_HEAD = 64 * 1024
"""Bytes of a request's first line and headers; what one read brings may exceed it."""
HEAD_SECONDS = 10.0
"""In which a request's first line and headers have to come; a connection's first one counts from its beginning."""
_MAX_UNREAD = 16 * 1024 * 1024
"""Bytes of a body that are read and dropped after its answer: closing at once could lose the answer on its way."""
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 1024 * 1024
"""In which what a refused client still sends is read and dropped, for the same reason (RFC 9112 section 9.6)."""


class HttpProtocol(HttpToolsProtocol):
    """What is not HTTP gets an error body like every other refusal, and no request can go on without end."""

    _in_head = False
    _is_refused = False
    _head = 0
    _unread = 0
    _deadline: asyncio.TimerHandle | None = None
    seat: Seat

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio: somebody connected."""
        super().connection_made(transport)
        self.seat.close = transport.abort
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection has ended."""
        self._expect_nothing()
        self.seat.leave()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """uvicorn: a request begins."""
        super().on_message_begin()
        self._in_head, self._head, self._unread = True, 0, 0
        self._expect_head()

    def on_headers_complete(self) -> None:
        """uvicorn: its body begins."""
        self._in_head = False
        self._expect_nothing()
        self.seat.busy()
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("one Host, and no more (RFC 9112 section 3.2)")
        if not self._offers_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """uvicorn: it is complete."""
        if not self._offers_upgrade():
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """asyncio: more bytes came."""
        if self._is_refused:
            self._unread += len(data)
            if self._unread > _LINGER_BYTES:
                self.transport.close()
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._offers_upgrade():
                self._read_without_upgrade(data[upgrade.args[0] :])
                return
        except httptools.HttpParserError:
            self._refuse(
                400,
                Code.REQUEST_MALFORMED,
                "The request is not valid HTTP/1.1. Check its first line, its headers and its framing.",
            )
            return
        if self._in_head:
            self._head += len(data)
            if self._head > _MAX_HEAD:
                self._refuse(
                    431, Code.HEADERS_TOO_LARGE, "The headers of the request are too large. Send fewer or shorter ones."
                )

    def on_body(self, body: bytes) -> None:
        """uvicorn: more of its body came."""
        super().on_body(body)
        if self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > _MAX_UNREAD:
                self.transport.close()

    def on_response_complete(self) -> None:
        """uvicorn: it was answered."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self.seat.waiting()
        # Whoever was not told to send the body may send the next request in its place (RFC 9110 section 10.1.1).
        if self.cycle.waiting_for_100_continue and self.cycle.more_body:
            self.transport.close()

    def _expect_head(self) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._refuse(
            408,
            Code.REQUEST_TOO_SLOW,
            f"The request did not come within {HEAD_SECONDS:.0f} seconds. Send it without pauses.",
        )

    def _offers_upgrade(self) -> bool:
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    def _read_without_upgrade(self, rest: bytes) -> None:
        """The parser skips the body of a request that offers HTTP/2 on the way, so it is given the request again."""
        first_line = b"%b %b HTTP/%b\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        headers = [name + b": " + value + b"\r\n" for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(first_line + b"".join(headers) + b"\r\n" + rest)

    def _refuse(self, status: int, code: Code, sentence: str) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            # What follows a whole request must not take its answer from it.
            self.cycle.keep_alive = False
            self.transport.pause_reading()
            return
        scope = {"type": "http", "headers": self.headers or []}
        response = error_response(Request(scope), status, Said(code, sentence), {"Connection": "close"})
        lines = [name + b": " + value + b"\r\n" for name, value in response.raw_headers]
        self.transport.write(STATUS_LINE[status] + b"".join(lines) + b"\r\n" + bytes(response.body))
        self._close_gently()

    def _close_gently(self) -> None:
        self._is_refused, self._unread = True, 0
        self._expect_nothing()
        if self.pipeline or not self.transport.can_write_eof():
            # Either an earlier answer is still to be written here, or TLS has its own way to say that this was all.
            self.transport.close()
            return
        if self.cycle is not None:
            # Whoever waits for the body waits in vain, and may write nothing more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._deadline = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
