"""The Outbound page: numbers, chart and newest calls that move by themselves, and pause and resume."""

from playwright.async_api import Browser, expect

from calloff.domain.schedule import Schedule
from tests.browser.conftest import Watched, follow, press, watching
from tests.support.site import Site


async def test_everything_moves_by_itself_while_dialers_work(browser: Watched) -> None:
    page = await browser.sign_in()
    await expect(page.get_by_text("No calls here.")).to_be_visible()
    await page.evaluate("window.isTheSamePage = true")
    async with browser.site.client() as client:
        for number in ("6175551234", "6175550001", "6175550002"):
            (await client.post(browser.site.api("queue"), data={"phone_number": number})).raise_for_status()
        later = {"phone_number": "6175551234", "start_timestamp": "4102444800"}
        (await client.post(browser.site.api("queue"), data=later)).raise_for_status()
    for name, number in {"pending": "1", "completed": "1", "failed": "2", "canceled": "0", "dialing": "0"}.items():
        await expect(page.locator(f".number.{name} dd")).to_have_text(number)
    shares = page.get_by_role("list", name="Finished, by result")
    for words in ("Answered 1", "Busy 1", "No answer 1"):
        await expect(shares).to_contain_text(words)
    chart = page.get_by_role(
        "img", name="In the last hour 1 calls were answered, 2 were not reached, and 0 had a fault."
    )
    await expect(chart).to_be_visible()
    assert await chart.locator("rect").count() >= 2
    await expect(page.get_by_role("row", name="+16175551234")).to_have_count(0)
    await expect(page.get_by_role("row", name="6175550002")).to_contain_text("No answer")
    assert await page.evaluate("window.isTheSamePage")


async def test_pause_holds_what_is_pending_and_resume_lets_it_go(browser: Watched) -> None:
    page = await browser.sign_in()
    await press(page, "Pause")
    await expect(page.get_by_text("Paused")).to_be_visible()
    await browser.site.queue(4, Schedule())
    await expect(page.locator(".number.pending dd")).to_have_text("4")
    await page.get_by_role("link", name="Applications").first.click()
    await expect(page.get_by_text("Paused")).to_be_visible()
    await page.get_by_role("link", name="production").click()
    await expect(page.locator(".number.pending dd")).to_have_text("4")
    await press(page, "Resume")
    await expect(page.locator(".number.pending dd")).to_have_text("0")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(page.locator(".number.completed dd")).not_to_have_text("0")


async def test_the_page_stands_still_when_its_reader_wants_it_to(still_site: Site, chromium: Browser) -> None:
    async with watching(chromium, still_site) as reader, watching(chromium, still_site) as colleague:
        page = await reader.sign_in()
        switch = page.get_by_role("button", name="Update by itself")
        await expect(switch).to_have_attribute("aria-pressed", "true")
        await switch.click()
        await expect(switch).to_have_attribute("aria-pressed", "false")
        moving = await colleague.sign_in()
        await still_site.queue(7)
        await expect(moving.locator(".number.pending dd")).to_have_text("7")
        await expect(page.locator(".number.pending dd")).to_have_text("0")
        await page.reload()
        await expect(switch).to_have_attribute("aria-pressed", "false")
        await switch.click()
        await still_site.queue(1)
        await expect(page.locator(".number.pending dd")).to_have_text("8")
        await follow(page, "Settings")
        await expect(switch).to_be_hidden()


async def test_a_form_is_sent_once_however_often_its_button_is_pressed(still_browser: Watched) -> None:
    page = await still_browser.sign_in()
    await follow(page, "Queue a call")
    await page.get_by_role("textbox", name="Number", exact=True).fill("+16175551234")
    button = page.get_by_role("button", name="Queue the call")
    async with page.expect_navigation():
        assert await button.evaluate(
            "button => { button.click(); return new Promise(tell => setTimeout(() => tell(button.disabled))); }"
        )
    await expect(page.locator("#call .head .status")).to_have_text("Queued")


async def test_numbers_that_are_old_are_said_to_be(still_browser: Watched) -> None:
    page = await still_browser.sign_in()
    told = page.locator("#connection").filter(has_text="what this page shows is old")
    await expect(page.locator(".number.pending dd")).to_have_text("0")
    await expect(told).to_have_count(0)
    await page.route("**/live", lambda route: route.fulfill(status=503))
    await page.reload()
    await expect(told).to_be_visible()
    await still_browser.site.queue(3)
    await page.unroute("**/live")
    await expect(told).to_have_count(0)
    await expect(page.locator(".number.pending dd")).to_have_text("3")
    still_browser.expect_refusal(503)


async def test_a_part_that_asks_in_vain_says_so(still_browser: Watched) -> None:
    await still_browser.site.queue(1)
    page = await still_browser.sign_in()
    told = page.locator("#connection").filter(has_text="what this page shows is old")
    await follow(page, "Calls")
    async with page.expect_navigation():
        await page.get_by_role("rowheader").get_by_role("link").click()
    await page.route("**/calls/*", lambda route: route.fulfill(status=500))
    await expect(told).to_be_visible()
    await page.unroute("**/calls/*")
    await expect(told).to_have_count(0)
    still_browser.expect_refusal(500)
