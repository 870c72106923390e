"""The page that tries out the API, in a real browser."""

from playwright.async_api import expect

from tests.browser.conftest import Watched
from tests.browser.test_every_page import examine


async def test_a_request_is_built_sent_and_read(browser: Watched) -> None:
    site, page = browser.site, await browser.page()
    await page.goto(f"{site.url}/docs#queue")
    await expect(page.get_by_role("link", name="Queue one call", exact=True).first).to_have_attribute(
        "aria-current", "location"
    )
    await page.get_by_label("E-mail address").fill(site.seed.email)
    await page.get_by_label("Developer key").fill(site.seed.developer_key)
    await page.get_by_label("Application ID").fill(str(site.seed.application_id))
    await page.get_by_label("Deployment ID").fill(str(site.seed.deployment_id))
    queue = page.locator("#queue")
    await queue.get_by_label("phone_number (required)").fill("6175550001")
    await queue.get_by_role("button", name="Send").click()
    await expect(queue.get_by_role("status")).to_contain_text("200 OK")
    await expect(queue.get_by_role("status")).to_contain_text('"call_id": "1"')
    for media_type in ("multipart/form-data", "application/json"):
        await queue.get_by_label("Send as").select_option(media_type)
        await queue.get_by_role("button", name="Send").click()
        await expect(queue.get_by_role("status")).to_contain_text(
            '"call_id": "' + ("2" if media_type[0] == "m" else "3")
        )
    bulk = page.locator("#bulk_queue")
    await bulk.get_by_role("button", name="Send").click()
    await expect(bulk.get_by_role("status")).to_contain_text('"queued": 2')
    cancel = page.locator("#cancel")
    await cancel.get_by_role("button", name="Send").click()
    await expect(cancel.get_by_role("status")).to_contain_text("202 Accepted")
    status = page.locator("#read_status")
    await page.get_by_label("Answers as").select_option("application/xml")
    await status.get_by_role("button", name="Send").click()
    await expect(status.get_by_role("status")).to_contain_text("<status>canceled</status>")
    await status.get_by_role("tab", name="PHP").click()
    await expect(status.get_by_role("tabpanel")).to_contain_text(f"curl_init('{site.url}/api/outbound/1')")


async def test_wrong_credentials_are_answered_in_the_page(browser: Watched) -> None:
    page = await browser.page()
    await page.goto(f"{browser.site.url}/docs#pause")
    pause = page.locator("#pause")
    await pause.get_by_role("button", name="Send").click()
    await expect(pause.get_by_role("status")).to_contain_text("401 Unauthorized")
    browser.complaints[:] = [words for words in browser.complaints if "401" not in words]


async def test_everybody_can_use_it(browser: Watched) -> None:
    page = await browser.page()
    await page.goto(f"{browser.site.url}/docs")
    await expect(page.locator(".operation")).to_have_count(11)
    await examine(page, "docs")
