"""Accepts the connections of the API, within the bounds of `connections`."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from calloff.api.connections import Connections, Seat

HANDSHAKE_SECONDS = 10.0
"""In which TLS has to be agreed upon."""
_ACCEPTED_AT_ONCE = 100
"""Connections before other work has its turn."""
_RETRY_SECONDS = 0.1
_log = logging.getLogger(__name__)


class Acceptor:
    """Accepts what comes to `listener`, as far as `house` has room, and speaks TLS first if there is a `context`.

    In place of `loop.create_server`, which knows no bound, and whose connections are nobody's until TLS is agreed upon.
    """

    def __init__(
        self,
        listener: socket.socket,
        house: Connections,
        make_protocol: Callable[[Seat], asyncio.Protocol],
        context: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._house = house
        self._make_protocol = make_protocol
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Accept nothing more, and give up what is still agreeing upon TLS."""
        self._loop.remove_reader(self._listener)
        for task in self._beginning:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until `close` has done its work."""
        await asyncio.gather(*self._beginning, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, address = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            except OSError as error:
                # No descriptor is free in the machine; asking again at once would only burn the processor.
                _log.error("a connection could not be accepted: %s", error.strerror)
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_RETRY_SECONDS, self._loop.add_reader, self._listener, self._accept)
                return
            self._begin(connection, address[0])

    def _begin(self, connection: socket.socket, address: str) -> None:
        seat = self._house.admit(address, connection.close)
        if seat is None:
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._speak(connection, seat))
        seat.close = task.cancel
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _speak(self, connection: socket.socket, seat: Seat) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make_protocol(seat),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context else None,
            )
        except (OSError, TimeoutError, asyncio.CancelledError):
            # Whoever speaks no TLS, or gives up in the middle of it, is nobody's fault and no news.
            connection.close()
            seat.leave()
