"""Calls: queued by hand, found again, and followed event by event to the delivery of their callbacks."""

import asyncio
import re

from playwright.async_api import Page, expect

from calloff.calls.redeliver import redeliver
from tests.browser.conftest import Watched, follow
from tests.support.sink import Request, answer, answer_ok, sink


async def test_one_call_is_queued_by_hand_followed_and_found(browser: Watched) -> None:
    page = await browser.sign_in()
    await follow(page, "Queue a call")
    numbers = page.get_by_role("complementary", name="Sandbox numbers").get_by_role("row")
    await expect(numbers.filter(has_text="0002")).to_contain_text("No answer")
    await expect(numbers).to_have_count(9)
    await _queue(page, "12")
    await expect(page.get_by_role("alert")).to_contain_text("The number is not a phone number")
    browser.expect_refusal(400)
    await _queue(page, "+16175550001")
    await page.wait_for_url(re.compile(r"/calls/[0-9]+$"))
    await expect(page.locator("#call .head .status")).to_have_text("Failed")
    await expect(page.locator("#call")).to_contain_text("Busy (SIP 486)")
    events = page.locator("#call .events li")
    await expect(events).to_have_count(3)
    for place, name in enumerate(("Queued", "Dialing", "Failed")):
        await expect(events.nth(place)).to_contain_text(name)
    call_id = page.url.rpartition("/")[2]
    await follow(page, "Calls")
    await _search(page, "123")
    await expect(page.get_by_role("alert")).to_contain_text("not a phone number")
    await _search(page, "+1 (617) 555-0001")
    await expect(page.get_by_role("link", name=call_id, exact=True)).to_be_visible()
    await _search(page, "+1 617 555 0009")
    await expect(page.get_by_text("No calls here.")).to_be_visible()


async def test_calls_are_filtered_and_paged(still_browser: Watched) -> None:
    site = still_browser.site
    await site.queue(120)
    page = await still_browser.sign_in()
    await follow(page, "Calls")
    seen = []
    for rows in (50, 50, 20):
        await expect(page.get_by_role("row")).to_have_count(rows + 1)
        seen += await page.get_by_role("rowheader").all_inner_texts()
        if rows == 50:
            await page.get_by_role("link", name="Older").click()
            await expect(page.get_by_role("link", name="Newest", exact=True)).to_be_visible()
    assert seen == sorted(set(seen), key=int, reverse=True)
    assert len(seen) == 120
    await expect(page.get_by_role("link", name="Older")).to_have_count(0)
    await page.get_by_role("link", name="Newest", exact=True).click()
    await expect(page.get_by_role("rowheader").first).to_have_text(seen[0])

    await page.get_by_role("link", name=seen[1], exact=True).click()
    await page.get_by_role("button", name="Call this one off").click()
    await expect(page.locator("#call .head .status")).to_have_text("Canceled")
    await follow(page, "Calls")
    status = page.get_by_role("navigation", name="Status")
    await status.get_by_role("link", name="Canceled").click()
    await expect(page.get_by_role("rowheader")).to_have_text([seen[1]])
    await status.get_by_role("link", name="Completed").click()
    await expect(page.get_by_text("No calls here.")).to_be_visible()


async def test_the_deliveries_of_a_callback_are_told(browser: Watched) -> None:
    page = await browser.sign_in()
    callback = page.locator("#call p", has_text="attempt")
    deliveries = page.get_by_role("list", name="Deliveries").get_by_role("listitem")
    failed = re.compile("Failed.*answered with 500", re.S)
    delivered = re.compile("Delivered.*answered with 200", re.S)
    in_order = asyncio.Event()

    async def mended(request: Request, writer: asyncio.StreamWriter) -> None:
        if len(program.requests) == 1:
            await answer(b"500 Out of order")(request, writer)
        else:
            await in_order.wait()
            await answer_ok(request, writer)

    async with sink(mended) as program, browser.site.client() as client:
        fields = {"phone_number": "6175550001", "result_url": program.url}
        queued = (await client.post(browser.site.api("queue"), data=fields)).json()
        await program.wait(1)
        await page.goto(f"{browser.site.deployment_url}/calls/{queued['call_id']}")
        await expect(page.locator("#call")).to_contain_text(program.url)
        await expect(callback).to_contain_text(re.compile("Waits for its next attempt.*after [0-9]+ attempt", re.S))
        await expect(deliveries.first).to_have_text(failed)
        in_order.set()
        await expect(callback).to_contain_text("Delivered")
        await expect(callback).to_contain_text("after 2 attempts")
        await expect(deliveries).to_have_text([failed, delivered])
        assert len({request.headers["webhook-id"] for request in program.requests}) == 1
        # Sent again by the operator, it is tried once more, and that is the third time.
        await redeliver(browser.site.pool, browser.site.seed.deployment_id, int(queued["call_id"]))
        await program.wait(3)
        await page.reload()
        await expect(callback).to_contain_text("after 3 attempts")

        program.behave = answer(b"410 Gone")
        queued = (await client.post(browser.site.api("queue"), data=fields)).json()
        await program.wait(4)
        await page.goto(f"{browser.site.deployment_url}/calls/{queued['call_id']}")
        await expect(callback).to_contain_text(re.compile("Given up.*after 1 attempt", re.S))


async def _queue(page: Page, number: str) -> None:
    await page.get_by_role("textbox", name="Number", exact=True).fill(number)
    await page.keyboard.press("Enter")


async def _search(page: Page, number: str) -> None:
    await page.get_by_role("searchbox", name="Number").fill(number)
    await page.keyboard.press("Enter")
