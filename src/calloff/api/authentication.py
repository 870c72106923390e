"""HTTP Basic: the e-mail address and a developer key (contract, *Every request*; RFC 7617)."""

import base64
import binascii

from fastapi import Request

from calloff.accounts.access import User, authenticate
from calloff.accounts.throttle import Throttle
from calloff.db.pool import Pool
from calloff.domain.codes import Code, Said
from calloff.domain.errors import NotAuthenticated
from calloff.lists.upload_slots import UploadSlots

_MISSING = Said(
    Code.CREDENTIALS_MISSING,
    "Credentials are missing. Send your e-mail address and a developer key with HTTP Basic authentication.",
)


async def authenticated_user(request: Request) -> User:
    """The user whose credentials the request carries. Raises `NotAuthenticated`, or `TooManyAttempts`."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthenticated(_MISSING)
    try:
        email, colon, key = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotAuthenticated(_MISSING) from error
    if not colon:
        raise NotAuthenticated(_MISSING)
    throttle: Throttle = request.app.state.throttle
    address = request.client.host if request.client else "unknown"
    try:
        return await authenticate(pool_of(request), email, key)
    except NotAuthenticated as error:
        # Only who is wrong is slowed: no pace finds a key of 256 random bits, and somebody else's guesses from the same
        # address must not keep the right one from calling everything off.
        async with throttle.attempt(address, email, key):
            raise error


def conninfo_of(request: Request) -> str:
    """The database's address, for a connection of the request's own."""
    conninfo: str = request.app.state.conninfo
    return conninfo


def uploads_of(request: Request) -> UploadSlots:
    """The places for uploads of the running application."""
    uploads: UploadSlots = request.app.state.uploads
    return uploads


def pool_of(request: Request) -> Pool:
    """The connections of the running application."""
    pool: Pool = request.app.state.pool
    return pool
