"""The whole database, as pg_dump writes it, holds no secret that opens anything (security.md rows 2 and 3)."""

import base64
import hashlib
import re
import subprocess
from pathlib import Path

from calloff.accounts.callback_keys import current_key
from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import add_trunk
from calloff.api.app import create_app
from calloff.console.app import mount_console
from calloff.console.visitor import COOKIE
from calloff.db.pool import Pool
from calloff.db.postmaster import programs
from calloff.wiring.trunk_settings import seal_settings
from tests.integration.console.conftest import ORIGIN, client_of, owner_of, visit
from tests.support.sealing import TRUNK_KINDS
from tests.support.seed import seed

_PASSWORD = "a password of 12 canaries"
_TRUNK_PASSWORD = "trunk-canary-password"


async def test_no_secret_can_be_found_in_a_dump(pool: Pool, database_url: str, tmp_path: Path) -> None:
    seeded = await seed(pool)
    box = SecretBox.open(tmp_path, None)
    settings = seal_settings("sip", {"uri": "sip:127.0.0.1", "password": _TRUNK_PASSWORD}, box)
    await add_trunk(pool, "carrier", "sip", {"settings": settings})
    callback_key = await current_key(pool, box, seeded.deployment_id)

    app = create_app(pool, database_url)
    mount_console(app, pool, database_url, trunk_kinds=TRUNK_KINDS)
    browser = await visit(app, pool, owner_of(seeded))
    found = re.search(r"<code[^>]*>([\w-]{43})<", (await browser.post("/console/keys")).text)
    assert found, "the new key was not shown"
    key = found[1]
    made = (await browser.post("/console/users", email="new@example.com")).text
    [first_password] = re.findall(r"<code[^>]*>([0-9a-f]{26})<", made)
    async with client_of(app) as client:
        fields = {"phone_number": "6175551234", "start_timestamp": "4000000000"}
        path = f"/api/apps/{seeded.application_id}/{seeded.deployment_id}/queue"
        headers = {"idempotency-key": "once"}
        assert (await client.post(path, data=fields, auth=(seeded.email, key), headers=headers)).is_success
        form = {"email": "new@example.com", "password": first_password}
        token = (await client.post("/console/sign-in", data=form, headers={"origin": ORIGIN})).cookies[COOKIE]
        client.cookies.set(COOKIE, token, domain="calloff.test", path="/console")
        page = (await client.get("/console/password")).text
        form_token = re.findall(r'name="form_token" value="(\w+)"', page)[0]
        form = {"form_token": form_token, "current": first_password, "password": _PASSWORD, "again": _PASSWORD}
        changed = await client.post("/console/password", data=form, headers={"origin": ORIGIN})
        last_token = changed.cookies[COOKIE]

    dump = _dump(database_url)
    assert hashlib.sha256(key.encode()).hexdigest() in dump, "the dump is not of what was made"
    assert hashlib.sha256(last_token.encode()).hexdigest() in dump
    for secret in (
        key,
        seeded.developer_key,
        first_password,
        _PASSWORD,
        token,
        last_token,
        form_token,
        browser.session.token,
        browser.session.form_token,
        _TRUNK_PASSWORD,
        callback_key,
        callback_key.removeprefix("whsec_"),
        (tmp_path / "secret.key").read_text().strip(),
    ):
        for written in _ways_to_write(secret):
            assert written not in dump.lower()
    # Argon2id, with no less than the 19 MiB and two passes that OWASP's cheat sheet on passwords asks for.
    kept = re.findall(r"\$argon2(\w+)\$v=19\$m=(\d+),t=(\d+),p=\d+\$", dump)
    assert kept
    assert all(kind == "id" and int(memory) >= 19456 and int(passes) >= 2 for kind, memory, passes in kept)


def _dump(url: str) -> str:
    command = [str(programs() / "pg_dump"), "--no-owner", "--restrict-key=calloff", url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _ways_to_write(secret: str) -> set[str]:
    raw = secret.encode()
    return {
        secret.lower(),
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("=").lower(),
        base64.urlsafe_b64encode(raw).decode().rstrip("=").lower(),
        hashlib.md5(raw).hexdigest(),
        hashlib.sha1(raw).hexdigest(),
    }
