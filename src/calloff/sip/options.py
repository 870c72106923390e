"""OPTIONS that ask whether a trunk is well (RFC 3261 section 11)."""


class Ping:
    """One OPTIONS; made by `UserAgent.ping`, and over with its `Pinged`."""

    closed: bool
