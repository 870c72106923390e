"""How the engine and its client talk: over a Unix socket, a batch of messages at a time, each a list (MessagePack).

A batch is four bytes of length and an array. Nothing in it can run code, so that a media process that was taken over
by what it received cannot take over signalling.
"""

import socket
import struct
from collections import deque
from typing import cast

import msgpack

Message = list[object]

_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 18
_MOST_FDS = 32


class Outbox:
    """Messages on their way into a non-blocking socket, with file descriptors that travel along (SCM_RIGHTS)."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._messages: list[Message] = []
        self._sockets: list[socket.socket] = []
        self._waiting: deque[tuple[memoryview, list[socket.socket]]] = deque()

    def add(self, *message: object) -> None:
        """Put a message into the next batch."""
        self._messages.append(list(message))

    def add_sockets(self, sockets: list[socket.socket], *message: object) -> None:
        """Put a message into the next batch whose receiver gets copies of `sockets`; ours are closed when it left."""
        self._sockets += sockets
        self.add(*message)
        if len(self._sockets) >= _MOST_FDS:
            self._close_batch()

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._messages or self._waiting)

    def flush(self) -> bool:
        """Send what the socket takes; False if something is left. Raises `OSError` if nobody reads any more."""
        self._close_batch()
        while self._waiting:
            data, sockets = self._waiting[0]
            try:
                if sockets:
                    sent = socket.send_fds(self._sock, [data], [item.fileno() for item in sockets])
                else:
                    sent = self._sock.send(data)
            except BlockingIOError:
                return False
            for item in sockets:
                item.close()
            self._waiting.popleft()
            if sent < len(data):
                self._waiting.appendleft((data[sent:], []))
        return True

    def drop(self) -> None:
        """Forget what waits, and close the sockets that would have gone along."""
        for sockets in (self._sockets, *(item[1] for item in self._waiting)):
            for item in sockets:
                item.close()
        self._messages, self._sockets = [], []
        self._waiting.clear()

    def _close_batch(self) -> None:
        if self._messages:
            body = cast(bytes, msgpack.packb(self._messages))
            self._waiting.append((memoryview(_LENGTH.pack(len(body)) + body), self._sockets))
            self._messages, self._sockets = [], []


class Inbox:
    """The other end of an `Outbox`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = bytearray()
        self.descriptors: deque[int] = deque()
        """What came along, in the order of the messages that it belongs to."""

    def receive(self) -> list[Message]:
        """What has come since. Raises `EOFError` when the other side is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._sock, _CHUNK, _MOST_FDS + 2)
        except BlockingIOError:
            return []
        except ConnectionError as error:
            raise EOFError from error
        self.descriptors.extend(descriptors)
        if not data:
            raise EOFError
        self._bytes += data
        messages: list[Message] = []
        while len(self._bytes) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes)
            if len(self._bytes) < _LENGTH.size + length:
                break
            messages += msgpack.unpackb(memoryview(self._bytes)[_LENGTH.size : _LENGTH.size + length].tobytes())
            del self._bytes[: _LENGTH.size + length]
        return messages
