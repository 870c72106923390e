"""What is typed into the forms for calls, trunks and limits comes back as it was typed, and never runs."""

import json

from playwright.async_api import Page, expect
from psycopg.types.json import Jsonb

from tests.browser.conftest import Watched, press
from tests.browser.test_stored_markup import CORPUS

_EVERYTHING = " ".join(CORPUS)[:190]


async def test_what_is_stored_of_accounts_and_trunks_never_runs(still_browser: Watched) -> None:
    site = still_browser.site
    settings = dict.fromkeys(("uri", "user", "auth_user", "password_env", "caller_id_header", "x"), _EVERYTHING)
    async with site.pool.connection() as connection:
        cursor = await connection.execute(
            "INSERT INTO trunk (name, kind, settings) VALUES (%s, 'sip', %s) RETURNING id",
            (_EVERYTHING, Jsonb(settings)),
        )
        [trunk] = await cursor.fetchall()
        cursor = await connection.execute("INSERT INTO account (name) VALUES (%s) RETURNING id", (_EVERYTHING,))
        [account] = await cursor.fetchall()
        await connection.execute("UPDATE account SET name = %s", (_EVERYTHING,))
    page = await still_browser.sign_in()
    for path in (f"trunks/{trunk['id']}", "trunks", "limits", f"limits/{account['id']}"):
        await page.goto(f"{site.url}/console/{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert await page.evaluate("window.pwned") is None, path
    await expect(page.get_by_role("heading", level=1)).to_have_text(_EVERYTHING)
    await page.goto(f"{site.url}/console/trunks/{trunk['id']}")
    await expect(page.get_by_label("Carrier's address")).to_have_value(_EVERYTHING)


async def test_what_is_typed_comes_back_and_never_runs(still_browser: Watched) -> None:
    site = still_browser.site
    page = await still_browser.sign_in()
    for text in CORPUS:
        await page.goto(f"{site.deployment_url}/queue")
        await page.get_by_text("More", exact=True).click()
        for label in ("Caller ID", "Digits to send", "Variables"):
            await page.get_by_label(label).fill(text)
        await page.get_by_role("textbox", name="Number", exact=True).fill(text)
        await _send(page, "Queue the call")
        for label in ("Caller ID", "Digits to send", "Variables"):
            await expect(page.get_by_label(label)).to_have_value(text)
        await page.goto(f"{site.url}/console/trunks/new/sip")
        for label in ("Name", "Carrier's address", "User for authentication"):
            await page.get_by_label(label, exact=True).fill(text)
        await _send(page, "Add the trunk")
        await expect(page.get_by_label("Carrier's address")).to_have_value(text)
        await page.goto(f"{site.deployment_url}/upload")
        await page.get_by_text("More", exact=True).click()
        await page.get_by_label("Variables").fill(json.dumps({text: 1}))
        await page.get_by_label("File").set_input_files(
            {"name": "list.csv", "mimeType": "text/csv", "buffer": b"destination\n+16175551234\n"}
        )
        await expect(page.get_by_role("alert")).to_be_visible()
        assert await page.evaluate("window.pwned") is None
    still_browser.expect_refusal(400)


async def _send(page: Page, button: str) -> None:
    await press(page, button)
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await page.evaluate("window.pwned") is None
