"""The keys that sign a deployment's callbacks (Standard Webhooks 1.0)."""

import base64
import secrets
from datetime import datetime

from standardwebhooks import Webhook

from calloff.accounts.secrets import SecretBox
from calloff.db.pool import Connection, Pool
from calloff.db.source import Source, transaction_on
from calloff.db.statements import load

OVERLAP = 86400.0
"""Seconds that the former key goes on signing after a rotation."""
_BYTES = 32


async def current_key(pool: Pool, box: SecretBox, deployment_id: int) -> str:
    """The deployment's key (`whsec_…`), made if it has none."""
    async with pool.connection() as connection:
        return await _current_key(connection, box, deployment_id)


async def rotate_key(source: Source, box: SecretBox, deployment_id: int) -> str:
    """A new key for the deployment; for a day, callbacks are signed with the former one, too."""
    async with transaction_on(source) as connection:
        await connection.execute(
            load(__package__, "expire_callback_key"), {"deployment_id": deployment_id, "overlap": OVERLAP}
        )
        return await _current_key(connection, box, deployment_id)


async def sign(
    pool: Pool, box: SecretBox, deployment_id: int, message_id: str, timestamp: datetime, body: str
) -> dict[str, str]:
    """The headers that sign `body`: with every key that is in force, separated by blanks.

    Raises `NotConfigured` if a key was encrypted with another secret key.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "signing_callback_keys"), {"deployment_id": deployment_id})
        keys = [box.decrypt(row["secret"]) for row in await cursor.fetchall()]
        if not keys:
            keys = [await _current_key(connection, box, deployment_id)]
    signatures = [Webhook(key).sign(msg_id=message_id, timestamp=timestamp, data=body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(timestamp.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def _current_key(connection: Connection, box: SecretBox, deployment_id: int) -> str:
    fresh = box.encrypt("whsec_" + base64.b64encode(secrets.token_bytes(_BYTES)).decode())
    parameters = {"deployment_id": deployment_id, "secret": fresh}
    row = await (await connection.execute(load(__package__, "current_callback_key"), parameters)).fetchone()
    assert row is not None
    return box.decrypt(row["secret"])
