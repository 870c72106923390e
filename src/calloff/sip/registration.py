"""Registration at a registrar (RFC 3261 section 10)."""


class Registration:
    """Made by `UserAgent.register`; renews itself."""

    closed: bool

    def stop(self, now: float) -> None:
        """Take the contact back (Expires: 0), and be over with the response, or after 64·T1."""
        raise NotImplementedError
