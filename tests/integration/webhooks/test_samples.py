"""What docs/callbacks.md shows for checking a signature does check it."""

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calloff.accounts.callback_keys import current_key, rotate_key, sign
from calloff.db.pool import Pool
from tests.support.callbacks import BOX
from tests.support.seed import seed

PAGE = Path(__file__).parents[3] / "docs" / "callbacks.md"
BODY = '{"call_id": "1", "status": "completed", "variables": {"name": "Zo\u00eb"}}'


def sample(begin: str) -> str:
    """The indented lines of the page that begin with `begin`."""
    found = re.search(rf"(?m)^    {re.escape(begin)}.*\n(?:^    .*\n)*", PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return re.sub(r"(?m)^    ", "", found[0])


def by_php(key: str, headers: dict[str, str], body: str) -> bool:
    given = f"[$key, $headers, $body] = json_decode(stream_get_contents(STDIN), true);\n{sample('$signed')}"
    process = subprocess.run(
        ["php", "-r", f"{given}\nvar_dump($ok);"],
        input=json.dumps([key, headers, body]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout in ("bool(true)\n", "bool(false)\n")
    return process.stdout == "bool(true)\n"


def by_python(key: str, headers: dict[str, str], body: str) -> bool:
    given: dict[str, Any] = {"key": key, "request_headers": headers, "request_body": body}
    try:
        exec(sample("from standardwebhooks"), given)
    except given["Webhook"].verify.__globals__["WebhookVerificationError"]:
        return False
    assert given["details"] == json.loads(body)
    return True


@pytest.mark.parametrize("is_ours", [by_php, by_python])
async def test_the_sample_tells_ours_from_others(pool: Pool, is_ours: Any) -> None:
    made, now = await seed(pool), datetime.now(UTC)
    former = await current_key(pool, BOX, made.deployment_id)
    fresh = await rotate_key(pool, BOX, made.deployment_id)
    headers = await sign(pool, BOX, made.deployment_id, "msg_1", now, BODY)
    assert is_ours(fresh, headers, BODY)
    assert is_ours(former, headers, BODY), "while the keys rotate"
    assert not is_ours(fresh, headers, BODY.replace("completed", "canceled")), "tampered with"
    assert not is_ours(fresh, {**headers, "webhook-id": "msg_2"}, BODY), "under another ID"
    stranger = await seed(pool)
    assert not is_ours(await current_key(pool, BOX, stranger.deployment_id), headers, BODY), "another's key"
    replayed = await sign(pool, BOX, made.deployment_id, "msg_1", now - timedelta(minutes=6), BODY)
    assert not is_ours(fresh, replayed, BODY), "replayed"
