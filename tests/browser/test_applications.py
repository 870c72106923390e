"""Applications and deployments: made, set, shared and deleted."""

import re

from playwright.async_api import Browser, Page, expect

from calloff.accounts.trunks import add_trunk
from calloff.reports.read import list_calls
from tests.browser.conftest import Watched, follow, press, watching
from tests.support.site import PASSWORD


async def test_an_application_and_its_deployment_are_made_named_and_found(browser: Watched) -> None:
    page = await browser.sign_in()
    application = await _make(page, "Storm warning", "Coast")
    await expect(page.get_by_text("Sandbox", exact=True)).to_be_visible()
    deployment_id = page.url.rpartition("/")[2]
    await page.get_by_role("button", name=f"Copy Deployment ID {deployment_id}").click()
    assert await page.evaluate("navigator.clipboard.readText()") == deployment_id
    await expect(page.get_by_role("button", name="Copy Deployment ID")).to_have_text("Copied")
    application_id = application.rpartition("/")[2]
    async with browser.site.client() as client:
        address = f"{browser.site.url}/api/apps/{application_id}/{deployment_id}/calls"
        assert (await client.get(address)).status_code == 200
    await page.goto(application)
    await page.get_by_label("Name", exact=True).fill("Flood warning")
    await press(page, "Rename")
    await expect(page.get_by_role("heading", name="Flood warning")).to_be_visible()
    await page.get_by_role("link", name="Applications").first.click()
    card = page.get_by_role("region", name="Flood warning")
    await expect(card).to_contain_text("0 pending")
    await card.get_by_role("link", name="Coast").click()
    await expect(page.get_by_role("heading", name="Coast")).to_be_visible()


async def test_a_deployment_is_set_and_says_what_cannot_be(browser: Watched) -> None:
    trunk = await add_trunk(browser.site.pool, f"carrier {browser.site.seed.account_id}", "sip")
    page = await browser.sign_in()
    await follow(page, "Settings")
    await page.get_by_label("Caller ID").fill("12")
    await press(page, "Save")
    await expect(page.get_by_role("alert")).to_be_visible()
    browser.expect_refusal(400)
    choices = {"Trunk": trunk.name, "If a dialer dies during a call": "Try again, as after a failure"}
    choices["Callbacks as"] = "Form fields"
    values = {
        "Name": "Night shift",
        "Caller ID": "+16175550000",
        "Seconds to ring": "25",
        "Calls at once, at most": "12",
        "New calls per second, at most": "3.5",
    }
    for label, value in values.items():
        await page.get_by_label(label, exact=True).fill(value)
    for label, choice in choices.items():
        await page.get_by_role("combobox", name=label).select_option(label=choice)
    await press(page, "Save")
    await expect(page.get_by_role("heading", name="Night shift")).to_be_visible()
    await page.reload()
    for label, value in values.items():
        shown = await page.get_by_label(label, exact=True).input_value()
        assert shown in (value, f"{value}.0"), label
    for label, choice in choices.items():
        chosen = page.get_by_role("combobox", name=label).locator("option:checked")
        await expect(chosen).to_have_text(choice)
    # What is on a carrier's trunk is no sandbox, and is not marked as one.
    await expect(page.locator(".sandbox")).to_have_count(0)
    await follow(page, "Queue a call")
    await expect(page.get_by_role("heading", name="Sandbox numbers")).to_have_count(0)


async def test_who_shares_an_application_sees_and_may_what_is_ticked(browser: Watched, chromium: Browser) -> None:
    site = browser.site
    anna = f"anna{site.seed.account_id}@example.org"
    page = await browser.sign_in()
    await follow(page, "Users")
    await page.get_by_label("New user").fill(anna)
    await press(page, "Add")
    first = await page.locator(".secret").inner_text()
    async with watching(chromium, site) as hers:
        her_page = await hers.page()
        await her_page.goto(f"{site.url}/console/sign-in")
        await her_page.get_by_label("E-mail address").fill(anna)
        await her_page.get_by_label("Password").fill(first)
        await her_page.keyboard.press("Enter")
        await her_page.get_by_label("Present password").fill(first)
        await her_page.get_by_label("New password", exact=True).fill(PASSWORD)
        await her_page.get_by_label("New password again").fill(PASSWORD)
        await her_page.keyboard.press("Enter")
        await expect(her_page.get_by_text("There is no application here yet")).to_be_visible()
        await her_page.goto(site.deployment_url)
        await expect(her_page.get_by_role("heading", name="That did not work")).to_be_visible()
        hers.expect_refusal(403)
        tabs: dict[str, set[str]] = {
            "View": {"Outbound", "Calls", "Lists", "Cancellations"},
            "Queue": {"Outbound", "Calls", "Lists", "Queue a call", "Upload a list", "Cancellations"},
            "Cancel": {"Outbound", "Calls", "Lists", "Cancellations"},
            "Administer": {"Outbound", "Calls", "Lists", "Cancellations", "Settings"},
        }
        for permission, expected in tabs.items():
            await _share(page, site.seed.application_id, anna, {"View", permission})
            await her_page.goto(site.deployment_url)
            shown = her_page.get_by_role("navigation", name="Deployment").get_by_role("link")
            assert set(await shown.all_inner_texts()) == expected, permission
            button = her_page.get_by_role("link", name="Call everything off")
            await expect(button).to_have_count(1 if permission == "Cancel" else 0)
        row = page.get_by_role("row", name=anna)
        await row.get_by_role("checkbox", name="Queue").check()
        await press(page, f"Save what {anna} may")
        for name, may in {"View": True, "Queue": True, "Cancel": False, "Administer": True}.items():
            await expect(row.get_by_role("checkbox", name=name)).to_be_checked(checked=may)
        await press(page, f"Stop sharing with {anna}")
        await expect(row).to_have_count(0)
        await her_page.reload()
        hers.expect_refusal(403)
        await expect(her_page.get_by_role("navigation", name="Main").get_by_role("link", name="Users")).to_have_count(0)


async def test_deleting_calls_off_what_is_pending(browser: Watched) -> None:
    site = browser.site
    page = await browser.sign_in()
    application = await _make(page, "Storm warning", "Coast")
    await site.queue(7)
    await page.goto(f"{site.deployment_url}/settings")
    await page.get_by_role("link", name="Delete the deployment…").click()
    await expect(page.get_by_role("main").locator("section .stops")).to_contain_text("7 pending calls stop")
    await page.get_by_role("link", name="Keep it").click()
    await expect(page.get_by_label("Caller ID")).to_be_visible()
    await page.get_by_role("link", name="Delete the deployment…").click()
    await expect(page.get_by_role("button", name="Delete the deployment")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(f"/apps/{site.seed.application_id}$"))
    await expect(page.get_by_text("No deployment yet.")).to_be_visible()
    calls = await list_calls(site.pool, site.seed.deployment_id, limit=10)
    assert {call.status for call in calls} == {"canceled"}
    await page.goto(site.deployment_url)
    await expect(page.get_by_role("heading", name="That did not work")).to_be_visible()
    browser.expect_refusal(409)

    await page.goto(application)
    await page.get_by_role("link", name="Delete…").click()
    await expect(page.get_by_role("heading", name="Delete “Storm warning”?")).to_be_visible()
    await expect(page.get_by_role("button", name="Delete the application")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/console/apps$"))
    await expect(page.get_by_text("Storm warning")).to_have_count(0)


async def _make(page: Page, application: str, deployment: str) -> str:
    """Make them from the list of applications, which ends on the deployment's page; returns the application's."""
    await page.get_by_role("link", name="Applications").first.click()
    await page.get_by_label("New application").fill(application)
    await press(page, "Create")
    await expect(page.get_by_role("heading", name=application)).to_be_visible()
    url = page.url
    await page.get_by_label("New deployment").fill(deployment)
    await page.get_by_label("Trunk").select_option(label="simulated (sandbox)")
    await press(page, "Create")
    await expect(page.get_by_role("heading", name=deployment)).to_be_visible()
    return url


async def _share(page: Page, application_id: int, email: str, permissions: set[str]) -> None:
    await page.goto(re.sub("/console/.*", f"/console/apps/{application_id}", page.url))
    await page.get_by_label("Share with").fill(email)
    for name in ("View", "Queue", "Cancel", "Administer"):
        await page.get_by_label(name, exact=True).set_checked(name in permissions)
    await press(page, "Share")
    row = page.get_by_role("row", name=email)
    await expect(row.get_by_role("checkbox", checked=True)).to_have_count(len(permissions))
