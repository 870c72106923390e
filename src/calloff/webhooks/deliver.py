"""Makes the callback of a call and sends it."""

from datetime import UTC, datetime

from calloff.accounts.callback_keys import sign
from calloff.accounts.secrets import SecretBox
from calloff.contract.details import call_details
from calloff.contract.rendering import encode_body
from calloff.db.pool import Pool
from calloff.domain.errors import NotConfigured
from calloff.outbound.client import Client
from calloff.reports.read import find_call
from calloff.webhooks.outbox import DueCallback
from calloff.webhooks.post import Answer, post


class Sender:
    """Delivers callbacks; the client is closed by whoever made it."""

    def __init__(self, pool: Pool, box: SecretBox, client: Client) -> None:
        self._pool = pool
        self._box = box
        self._client = client

    async def deliver(self, callback: DueCallback) -> Answer:
        """Send the callback of a call; never raises for what the host does."""
        call = await find_call(self._pool, callback.call_id)
        if call is None or call.result_url is None:
            return Answer(None, "the call was removed", is_final=True)
        content_type, body = encode_body(call_details(call), callback.callback_format)
        now = datetime.now(UTC)
        try:
            signature = await sign(self._pool, self._box, callback.deployment_id, f"msg_{call.call_id}", now, body)
        except NotConfigured as error:
            return Answer(None, error.message)
        return await post(self._client, call.result_url, {"content-type": content_type, **signature}, body)
