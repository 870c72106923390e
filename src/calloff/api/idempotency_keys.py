"""The header `Idempotency-Key` (contract, `queue` and `bulk_queue`)."""

import re

from fastapi import Request

from calloff.calls.idempotency import IdempotencyKey
from calloff.domain.codes import Code
from calloff.domain.errors import InvalidInput

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(request: Request, deployment_id: int) -> IdempotencyKey | None:
    """The key that the request carries, if any. Raises `InvalidInput`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "Idempotency-Key is not 1 to 255 visible ASCII characters. Choose another, such as a UUID.",
            code=Code.IDEMPOTENCY_KEY_INVALID,
        )
    return IdempotencyKey(deployment_id, key)
