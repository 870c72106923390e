"""Messages in a stream (RFC 3261 section 18.3; RFC 5626 section 4.4.1 for keep-alives)."""


class StreamReader:
    """Cuts the bytes of a TCP or TLS connection into messages."""

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Whole messages that `data` completed, and what has to be answered at once (a pong to a ping of CRLF CRLF).

        Raises `Malformed` when the stream can no longer be cut: the connection has to be closed.
        """
        raise NotImplementedError
