"""Sessions, forms, headers and the throttle, as security.md asks for them (rows 2 to 5, 18 to 20, 24)."""

import hashlib
import re
import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.passwords import set_password
from calloff.console.visitor import COOKIE
from calloff.db.pool import Pool
from tests.integration.console.conftest import ORIGIN, client_of, console_routes, fingerprint, owner_of, visit
from tests.integration.console.forms import fill
from tests.support.seed import Seed, seed
from tests.support.site import PASSWORD


async def _value(pool: Pool, statement: Any, parameters: dict[str, object] | None = None) -> Any:
    async with pool.connection() as connection:
        row = await (await connection.execute(statement, parameters)).fetchone()
    assert row is not None
    return row["value"]


async def _sign_in(client: httpx.AsyncClient, seeded: Seed, password: str = PASSWORD) -> httpx.Response:
    form = {"email": seeded.email, "password": password}
    return await client.post("/console/sign-in", data=form, headers={"origin": ORIGIN})


async def test_a_form_from_another_site_changes_nothing(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    paths = await fill(pool, seeded)
    before = await fingerprint(pool)
    token = {"form_token": browser.session.form_token}
    foreign: list[dict[str, str]] = [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
        {"origin": f"{ORIGIN}.evil.example"},
        {"origin": f"ftp://{ORIGIN.partition('//')[2]}"},
        {"origin": f"{ORIGIN} {ORIGIN}"},
        {"origin": "http://["},
        {"host": "", "origin": ""},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    ]
    for path, method in sorted(console_routes(app)):
        if method == "POST":
            for headers in foreign:
                headers = {**headers, "x-form-token": browser.session.form_token}
                answer = await browser.client.post(path.format(**paths), data=token, headers=headers)
                assert answer.status_code == 403, (path, headers)
            if path != "/console/sign-in":
                for wrong in ({}, {"form_token": "0" * 64}):
                    answer = await browser.client.post(path.format(**paths), data=wrong, headers={"origin": ORIGIN})
                    assert answer.status_code == 403, path
    assert await fingerprint(pool) == before


async def test_no_page_changes_anything_when_it_is_opened(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    paths = await fill(pool, seeded)
    before = await fingerprint(pool)
    for path, method in console_routes(app):
        if method == "GET" and not path.endswith("/live"):
            assert (await browser.get(path.format(**paths))).status_code in (200, 303), path
    assert await fingerprint(pool) == before


async def test_every_answer_has_its_guards(
    app: FastAPI, pool: Pool, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    paths = await fill(pool, seeded)
    answers = [await client.get(path) for path in ("/docs", "/console/sign-in", "/console/static/console.css")]
    private = [await browser.get("/console/nothing"), await client.get("/console/apps")]
    for path, method in sorted(console_routes(app)):
        if method == "GET" and not path.endswith("/live"):
            private.append(await browser.get(path.format(**paths)))
        elif method == "POST":
            private.append(await client.post(path.format(**paths), headers={"origin": "null"}))
            private.append(await client.put(path.format(**paths), headers={"origin": ORIGIN}))

    async def broken(*_: object, **__: object) -> None:
        raise ValueError("canary 16175550142")

    for module in ("applications.list_users", "keys.list_keys"):
        monkeypatch.setattr(f"calloff.console.routes.{module}", broken)
    for path in (f"/console/apps/{seeded.application_id}", "/console/keys"):
        private.append(await browser.get(path))
        assert private[-1].status_code == 500
        assert "canary" not in private[-1].text
    for answer in answers + private:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert " style=" not in answer.text
        assert not re.search(r"\son\w+=", answer.text)
        assert not re.search(r"<script(?![^>]* src=)", answer.text)
    assert {answer.headers["cache-control"] for answer in private} == {"no-store"}


@pytest.mark.parametrize(("origin", "is_secure"), [("https://calloff.test", True), ("http://calloff.test", False)])
async def test_the_cookie_is_for_tls_alone_where_there_is_tls(
    client: httpx.AsyncClient, pool: Pool, origin: str, is_secure: bool
) -> None:
    """Also behind a proxy that speaks it for us."""
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    form = {"email": seeded.email, "password": PASSWORD}
    answer = await client.post("/console/sign-in", data=form, headers={"origin": origin})
    assert ("; Secure" in answer.headers["set-cookie"]) is is_secure


async def test_a_session_is_new_at_every_sign_in_and_dead_after_the_sign_out(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    async with client_of(app) as client:
        client.cookies.set(COOKIE, "chosen-by-somebody-else", domain="calloff.test", path="/console")
        answer = await _sign_in(client, seeded)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        first = answer.cookies[COOKIE]
        assert first != "chosen-by-somebody-else"
        client.cookies.clear()
        client.cookies.set(COOKIE, first, domain="calloff.test", path="/console")
        second = (await _sign_in(client, seeded)).cookies[COOKIE]
        assert second != first
        client.cookies.clear()
        client.cookies.set(COOKIE, first, domain="calloff.test", path="/console")
        assert (await client.get("/console/apps")).status_code == 303
        stored = await _value(pool, "SELECT array_agg(encode(sha256, 'hex')) AS value FROM session")
        assert stored == [hashlib.sha256(second.encode()).hexdigest()]
    browser = await visit(app, pool, owner_of(seeded))
    assert (await browser.get("/console/apps")).status_code == 200
    token = browser.session.token
    await browser.post("/console/sign-out")
    browser.client.cookies.set(COOKIE, token, domain="calloff.test", path="/console")
    assert (await browser.get("/console/apps")).headers["location"].startswith("/console/sign-in")


async def test_passwords_and_keys_are_kept_as_hashes(pool: Pool) -> None:
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    kept = await _value(pool, "SELECT string_agg(to_jsonb(u)::text, '') AS value FROM account_user AS u")
    assert "$argon2id$v=19$" in kept
    assert PASSWORD not in kept
    keys = await _value(pool, "SELECT string_agg(to_jsonb(k)::text, '') AS value FROM developer_key AS k")
    assert seeded.developer_key not in keys


async def test_nobody_learns_who_has_an_account(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    answers, seconds = [], []
    async with client_of(app) as client:
        for email in (seeded.email, "nobody@example.com"):
            taken = []
            for _ in range(3):
                form = {"email": email, "password": "wrong wrong wrong"}
                begun = time.perf_counter()
                answer = await client.post("/console/sign-in", data=form, headers={"origin": ORIGIN})
                taken.append(time.perf_counter() - begun)
            answers.append((answer.status_code, answer.text.replace(email, "")))
            seconds.append(min(taken))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401
    # Both cost a hash of Argon2id, which takes far longer than everything else.
    assert seconds[1] > 0.4 * seconds[0]


async def test_a_thousand_guesses_are_slowed_and_lock_nobody_out(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    path = f"/api/apps/{seeded.application_id}/{seeded.deployment_id}/calls"
    right = (seeded.email, seeded.developer_key)
    async with client_of(app, "192.0.2.1") as attacker, client_of(app, "192.0.2.2") as owner:
        assert (await attacker.get(path, auth=right)).status_code == 200
        statuses = [(await attacker.get(path, auth=(seeded.email, f"guess {n}"))).status_code for n in range(1000)]
        assert statuses[:10] == [401] * 10
        assert statuses.count(401) < 30
        assert statuses[-1] == 429
        refused = await attacker.get(path, auth=(seeded.email, "one more"))
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["error"].startswith("Too many attempts")
        guesses = [(await _sign_in(attacker, seeded, f"guess {n}")).status_code for n in range(5)]
        assert guesses == [429] * 5
        # The owner goes on, from elsewhere and, with what was right before, even from the same address.
        assert (await owner.get(path, auth=right)).status_code == 200
        assert (await attacker.get(path, auth=right)).status_code == 200
        assert (await _sign_in(owner, seeded)).status_code == 303


async def test_a_marked_number_is_masked_on_every_page(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    here = f"/console/apps/{seeded.application_id}/{seeded.deployment_id}"
    answer = await browser.post(f"{here}/queue", phone_number="+16175550142", is_pci="1")
    call = answer.headers["location"]
    for path in (here, f"{here}/calls", f"{here}/calls?status=queued", call):
        page = (await browser.get(path)).text
        assert "16175550142" not in page
        assert "**********42" in page
