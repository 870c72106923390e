"""The server of the API: uvicorn, which accepts by our rules and leaves the signals to us."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from calloff.api.acceptor import Acceptor
from calloff.api.connections import Connections, Seat
from calloff.api.http_protocol import HttpProtocol


class Server(uvicorn.Server):
    """Serves within the bounds of `house`: `await Server(config, house).serve(sockets=[listener])`."""

    def __init__(self, config: uvicorn.Config, house: Connections) -> None:
        super().__init__(config)
        self._house = house

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept by our own rules; uvicorn has none."""
        assert sockets is not None
        context = self.config.ssl
        self.servers = [Acceptor(listener, self._house, self._protocol, context) for listener in sockets]  # type: ignore[misc]
        self.started = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us: uvicorn would raise them again in the end, and so die of them."""
        yield

    def _protocol(self, seat: Seat) -> HttpProtocol:
        protocol = HttpProtocol(self.config, self.server_state, {})
        protocol.seat = seat
        return protocol
