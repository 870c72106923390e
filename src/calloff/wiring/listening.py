"""The socket that the API listens on: `serve` opens it, so that it outlives an API process that dies."""

import socket

from calloff.domain.errors import NotConfigured

BACKLOG = 2048
"""Connections that may wait to be accepted."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on that address. Raises `NotConfigured` if it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise NotConfigured(
            f"Cannot listen on {host} port {port} ({error.strerror}). Stop what does, or choose another --port."
        ) from error
    return listener


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """How a client on this machine reaches the API behind the socket."""
    host, port = listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what was bound, read back
    scheme = "https" if tls else "http"
    return f"{scheme}://[{local}]:{port}" if ":" in local else f"{scheme}://{local}:{port}"
