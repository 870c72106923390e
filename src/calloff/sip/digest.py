"""Digest authentication (RFC 7616, RFC 8760)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a trunk."""

    username: str
    password: str = field(repr=False)
    realm: str | None = None
    """The only realm whose challenges are answered; None answers each."""
