"""Limits and trunks, as the operator sets them; nothing else moves on the server."""

import re

from playwright.async_api import expect

from calloff.calls.submit import submit
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from tests.browser.conftest import Watched, follow, press


async def test_a_sip_trunk_is_added_and_changed_without_showing_its_password(still_browser: Watched) -> None:
    page = await still_browser.sign_in()
    await follow(page, "Trunks")
    await follow(page, "Add a SIP trunk")
    await page.get_by_label("Name").fill("Carrier")
    address, password = page.get_by_label("Carrier's address"), page.get_by_label("Password", exact=True)
    await address.fill("carrier.example")
    await page.get_by_label("User for authentication").fill("calls")
    await password.fill("hush hush")
    await page.get_by_label("Codecs").fill("pcma")
    await page.get_by_label("Encrypted sound").check()
    await press(page, "Add the trunk")
    await expect(page.get_by_role("alert")).to_contain_text("must look like sip:host")
    await expect(address).to_be_focused()
    await expect(address).to_have_value("carrier.example")
    await expect(page.get_by_label("Encrypted sound")).to_be_checked()
    await expect(page.get_by_label("Codecs")).to_have_value("pcma")
    still_browser.expect_refusal(400)
    await address.fill("sip:carrier.example;transport=tls")
    await expect(password).to_have_value("")
    await password.fill("hush hush")
    await press(page, "Add the trunk")
    await expect(page.get_by_role("heading", name="Carrier")).to_be_visible()
    await expect(password).to_have_value("")
    await expect(password).to_have_attribute("placeholder", re.compile("kept"))
    assert "hush" not in await page.content()
    await page.get_by_label("Calls at once, at most").fill("30")
    await press(page, "Save")
    await page.reload()
    await expect(page.get_by_label("Calls at once, at most")).to_have_value("30")
    await expect(page.get_by_label("Encrypted sound")).to_be_checked()
    await expect(password).to_have_attribute("placeholder", re.compile("kept"))
    # It can be dialed over at once: a deployment may choose it.
    await page.goto(f"{still_browser.site.deployment_url}/settings")
    await page.get_by_label("Trunk").select_option("Carrier")
    await press(page, "Save")
    await expect(page.get_by_text("on trunk Carrier")).to_be_visible()


async def test_a_sandbox_is_added(still_browser: Watched) -> None:
    page = await still_browser.sign_in()
    await follow(page, "Trunks")
    await follow(page, "Add a sandbox")
    await page.get_by_label("Name").fill("Fast")
    await page.get_by_label("Times faster than life").fill("20")
    await press(page, "Add the trunk")
    await expect(page.get_by_text("Sandbox")).to_be_visible()
    await expect(page.get_by_label("Times faster than life")).to_have_value("20")


async def test_an_account_is_limited_and_stopped(still_browser: Watched) -> None:
    site = still_browser.site
    later = NewCall(parse_destination("+16175551234"), Schedule(start=4102444800))
    for _ in range(3):
        await submit(site.pool, site.seed.deployment_id, later)
    page = await still_browser.sign_in()
    await follow(page, "Limits")
    use = page.get_by_role("region", name="In use now")
    await expect(use).to_contain_text(re.compile(r"Pending\s*3"))
    await page.get_by_label("Calls at once").fill("5")
    await page.get_by_label("New calls per second").fill("0.25")
    await press(page, "Save")
    await expect(use).to_contain_text("0 of at most 5")
    await expect(page.get_by_label("New calls per second")).to_have_value("0.25")
    await press(page, "Pause every deployment")
    await expect(use).to_contain_text("0 dialing, 1 paused")
    await page.goto(site.deployment_url)
    await expect(page.get_by_text("Paused")).to_be_visible()
    # The numbers change by themselves.
    await page.goto(f"{site.url}/console/limits")
    await submit(site.pool, site.seed.deployment_id, later)
    await expect(use).to_contain_text(re.compile(r"Pending\s*4"))
    await follow(page, "Audit log")
    for change in ("Limit an account", "Pause every deployment"):
        await expect(page.get_by_role("cell", name=change)).to_be_visible()
