"""What administrators do: users, keys, trunks, and the record of all of it."""

import re

from playwright.async_api import Browser, expect

from calloff.accounts.keys import add_key
from calloff.accounts.users import add_user
from tests.browser.conftest import Watched, fill_sign_in, follow, press, watching
from tests.support.changes import record


async def test_a_user_is_added_given_a_new_password_and_shut_out(browser: Watched, chromium: Browser) -> None:
    ben = f"ben{browser.site.seed.account_id}@example.org"
    page = await browser.sign_in()
    await follow(page, "Users")
    await expect(page.get_by_role("row", name=browser.site.seed.email)).to_contain_text("You")
    await page.get_by_label("New user").fill(ben)
    await page.get_by_label("Administrator").check()
    await press(page, "Add")
    lost = await page.locator(".secret").inner_text()
    await page.get_by_role("button", name="Copy").click()
    assert await page.evaluate("navigator.clipboard.readText()") == lost
    await page.get_by_label("New user").fill(ben)
    await press(page, "Add")
    await expect(page.get_by_role("alert")).to_be_visible()
    browser.expect_refusal(400)
    await expect(page.get_by_role("row", name=ben)).to_contain_text("Administrator")
    await press(page, f"Make a user of {ben}")
    await expect(page.get_by_role("row", name=ben).get_by_role("cell").first).to_have_text("User")
    await press(page, f"Make an administrator of {ben}")
    await expect(page.get_by_role("row", name=ben).get_by_role("cell").first).to_have_text("Administrator")
    await page.get_by_role("button", name=f"New password for {ben}").click()
    given = await page.locator(".secret").inner_text()
    async with watching(chromium, browser.site) as his:
        his_page = await his.page()
        await his_page.goto(f"{browser.site.url}/console/users")
        await fill_sign_in(his_page, ben, lost)
        await expect(his_page.get_by_role("alert")).to_be_visible()
        his.expect_refusal(401)
        await fill_sign_in(his_page, ben, given)
        await expect(his_page.get_by_label("Present password")).to_be_visible()
        await page.get_by_role("button", name=f"Shut out {ben}").click()
        await expect(page.get_by_role("row", name=ben)).to_contain_text("Shut out")
        assert given not in await page.content()
        await his_page.reload()
        await fill_sign_in(his_page, ben, given)
        await expect(his_page.get_by_role("alert")).to_be_visible()
        his.expect_refusal(401)
        await page.get_by_role("button", name=f"Let {ben} in again").click()
        await expect(page.get_by_role("button", name=f"Shut out {ben}")).to_be_visible()
        await fill_sign_in(his_page, ben, given)
        await expect(his_page.get_by_label("Present password")).to_be_visible()


async def test_a_stolen_key_of_somebody_else_is_revoked(browser: Watched) -> None:
    site = browser.site
    ann = await add_user(site.pool, site.seed.account_id, f"ann{site.seed.account_id}@example.org")
    key = await add_key(site.pool, ann.id)
    page = await browser.sign_in()
    await follow(page, "Keys")
    await page.get_by_role("button", name=f"Revoke key no. {key.id} of {ann.email}").click()
    await expect(page.get_by_role("row", name=ann.email)).to_have_count(0)
    async with site.client() as client:
        answer = await client.get(site.api("calls"), auth=(ann.email, key.developer_key))
    assert answer.status_code == 401


async def test_a_key_is_shown_once_used_and_revoked(browser: Watched) -> None:
    page = await browser.sign_in()
    await follow(page, "Keys")
    await press(page, "Make a key")
    key = await page.locator(".secret").inner_text()
    name = await page.get_by_role("row", name="never").last.get_by_role("rowheader").inner_text()
    async with browser.site.client() as client:
        address, auth = browser.site.api("calls"), (browser.site.seed.email, key)
        assert (await client.get(address, auth=auth)).status_code == 200
        await page.goto(f"{browser.site.url}/console/keys")
        assert key not in await page.content()
        row = page.get_by_role("row", name=name)
        await expect(row).not_to_contain_text("never")
        await page.get_by_role("button", name=f"Revoke key {name}").click()
        await expect(row).to_contain_text("Revoked")
        assert (await client.get(address, auth=auth)).status_code == 401


async def test_the_operator_limits_a_trunk_and_tries_it(operators_browser: Watched) -> None:
    page = await operators_browser.sign_in()
    await follow(page, "Trunks")
    await page.get_by_role("link", name="simulated").click()
    for limit, shown in (("7", "7"), ("", "")):
        await page.get_by_label("Calls at once, at most").fill(limit)
        await press(page, "Save")
        await page.reload()
        await expect(page.get_by_label("Calls at once, at most")).to_have_value(shown)
    await page.get_by_role("textbox", name="Number", exact=True).fill("+16175551234")
    await press(page, "Make a test call")
    await expect(page.locator("#call .head .status")).to_have_text("Completed")


async def test_the_audit_log_tells_every_change_and_is_paged(browser: Watched) -> None:
    site = browser.site
    for number in range(1, 56):
        await record(
            site.pool, "pause", f"deployment {number}", account_id=site.seed.account_id, user_id=None, origin="cli"
        )
    page = await browser.sign_in()
    await press(page, "Pause")
    await press(page, "Resume")
    async with site.client() as client:
        assert (await client.delete(site.api("cancel"))).status_code == 202
    await follow(page, "Keys")
    await press(page, "Make a key")
    await follow(page, "Audit log")
    rows = page.get_by_role("row")
    deployment = f"deployment {site.seed.deployment_id}"
    changes = [("Make a developer key", "key "), ("Call everything off", deployment), ("Resume", deployment)]
    for place, (action, subject) in enumerate([*changes, ("Pause", deployment)], 1):
        origin = "api" if action == "Call everything off" else "console"
        words = f"{re.escape(site.seed.email)}{action}{subject}.*{origin} 127.0.0.1"
        await expect(rows.nth(place)).to_contain_text(re.compile(words))
    await page.get_by_role("link", name="Older").click()
    await expect(rows.last).to_contain_text("deployment 1")
    await expect(rows.last).to_contain_text("the operator")
