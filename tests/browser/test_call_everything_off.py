"""The one button: the question, the answer while dialers work, the receipt, and the history."""

import asyncio
import re
import time
from datetime import datetime

from playwright.async_api import Browser, Page, expect

from calloff.domain.calls import CallStatus
from calloff.domain.schedule import Schedule
from calloff.reports.read import list_calls
from calloff.upkeep.settler import settle_canceled
from tests.browser.conftest import Watched, fill_sign_in, follow, press, watching
from tests.browser.looks import Look
from tests.support.site import PASSWORD, Site

CALLS = 3000
PACE = 150
"""Calls a second. A paced dialer claims calls ahead of their slots, so that some are in its hands at any moment."""
FENCE = 1.0
"""Seconds after its start in which a dialer may still dial (promise S2)."""
_DIALED = re.compile(r"(?m)^(\S+)Z INFO +dialer\S* calloff\.dialer\.follow: call ([0-9]+) to \S+ dialed, ")
_FOCUS = """() => {
  const focused = document.activeElement;
  const button = document.getElementById("call-off-open").getBoundingClientRect();
  if (focused === document.body) return ["BODY", button.top, 0];
  return [focused.textContent.trim(), button.top, focused.getBoundingClientRect().bottom];
}"""
"""What has the focus, where the button begins, and where the former ends."""


async def test_nothing_that_was_pending_is_dialed_after_the_answer(browser: Watched) -> None:
    site = browser.site
    page = await browser.sign_in()
    await follow(page, "Settings")
    await page.get_by_label("New calls per second, at most").fill(str(PACE))
    await press(page, "Save")
    await follow(page, "Outbound")
    await site.queue(CALLS, Schedule())
    await expect(page.locator(".number.connected dd")).not_to_have_text("0")
    await page.get_by_role("link", name="Call everything off").click()
    await expect(page.get_by_role("dialog")).to_contain_text("none of them will ring")
    async with page.expect_response(re.compile("/cancel$")) as answering:
        await page.keyboard.press("Enter")
    answer = await answering.value
    answered_at = time.time()
    assert (answer.request.method, answer.status) == ("POST", 303)
    at_once = {call.call_id: call.status for call in await list_calls(site.pool, site.seed.deployment_id, limit=CALLS)}
    canceled = {call_id for call_id, status in at_once.items() if status == "canceled"}
    under_way = {call_id for call_id, status in at_once.items() if status in ("dialing", "connected")}
    assert canceled, "nothing was called off: this says nothing"
    assert under_way, "no dialer was at work: this says nothing"
    assert "queued" not in at_once.values()

    await expect(page.get_by_role("heading", name="Everything was called off")).to_be_visible()
    receipt = page.locator(".receipt")
    await expect(receipt).to_contain_text(site.seed.email)
    await expect(receipt).to_contain_text("console 127.0.0.1")
    assert int(re.sub(r"\D", "", await receipt.locator(".stops b").inner_text())) == len(canceled)
    afterwards = await _queue_by_hand(page)
    calls = {call.call_id: call for call in await _all_over(site)}
    dialed = [(call_id, at) for call_id, at in _dialed(site) if call_id in calls]

    assert {call_id for call_id, call in calls.items() if call.status == "canceled"} == canceled
    for call_id in canceled:
        assert [event.name for event in calls[call_id].events] == ["queued", "canceled"]
        assert calls[call_id].attempts == 0
    assert len(dialed) == len({call_id for call_id, _ in dialed}), "a call was dialed twice"
    assert {call_id for call_id, _ in dialed} == calls.keys() - canceled
    assert max(at for call_id, at in dialed if call_id != afterwards) < answered_at + FENCE
    await page.goto(f"{site.deployment_url}/cancellations/1")
    await expect(page.locator("#progress")).to_contain_text("Complete")


async def _queue_by_hand(page: Page) -> int:
    """One call more, to show that the dialers go on."""
    await follow(page, "Queue a call")
    await page.get_by_role("textbox", name="Number", exact=True).fill("+16175551234")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call .head .status")).to_have_text("Completed")
    return int(page.url.rpartition("/")[2])


async def _all_over(site: Site) -> list[CallStatus]:
    """Every call, once all are over and written down."""
    deployment_id = site.seed.deployment_id
    async with asyncio.timeout(30):
        while await list_calls(site.pool, deployment_id, limit=1, statuses=["queued", "dialing", "connected"]):
            await asyncio.sleep(0.1)
    return await list_calls(site.pool, deployment_id, limit=CALLS + 1)


def _dialed(site: Site) -> list[tuple[int, float]]:
    """Each call that a trunk of the server has taken, and when, as its dialers said: of every deployment."""
    return [
        (int(call_id), datetime.fromisoformat(f"{at}+00:00").timestamp())
        for at, call_id in _DIALED.findall(site.served.log.read_text())
    ]


async def test_the_question_can_be_declined_and_says_what_is_so_now(still_browser: Watched) -> None:
    site = still_browser.site
    await site.queue(1)
    page = await still_browser.sign_in()
    await site.queue(1200)
    await _press_alt_x(page)
    question = page.get_by_role("dialog", name="Call everything off?")
    await expect(question).to_contain_text("1\u202f201 pending calls stop: none of them will ring.")
    await expect(question).to_contain_text("0 calls that are dialing or connected go on")
    await expect(question.get_by_role("button", name="Call everything off")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(question).to_be_hidden()
    await page.get_by_role("link", name="Call everything off").click()
    await question.get_by_role("button", name="Go on calling").click()
    await expect(question).to_be_hidden()
    assert len(await list_calls(site.pool, site.seed.deployment_id, limit=2000, statuses=["queued"])) == 1201


async def _press_alt_x(page: Page) -> None:
    """As the system sends it: Playwright's own key presses reach no access key."""
    session = await page.context.new_cdp_session(page)
    key = {"type": "keyDown", "modifiers": 1, "key": "x", "code": "KeyX", "text": "x", "isSystemKey": True}
    await session.send("Input.dispatchKeyEvent", {**key, "unmodifiedText": "x", "windowsVirtualKeyCode": ord("X")})


async def test_the_receipt_shows_how_far_the_writing_down_is(still_browser: Watched) -> None:
    site = still_browser.site
    await site.queue(1201)
    page = await still_browser.sign_in()
    await page.get_by_role("link", name="Call everything off").click()
    await page.keyboard.press("Enter")
    await expect(page.locator("#progress")).to_contain_text("0 of 1\u202f201. The calls are off already")
    assert await page.get_by_role("progressbar").evaluate("bar => bar.value") == 0
    assert await settle_canceled(site.pool) == 1201
    await expect(page.locator("#progress")).to_contain_text("Complete: 1\u202f201 of 1\u202f201.")
    assert await page.get_by_role("progressbar").evaluate("bar => bar.value") == 1201

    await page.get_by_role("link", name="Call everything off").click()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/cancellations/2$"))
    await follow(page, "Cancellations")
    rows = page.get_by_role("row")
    await expect(rows).to_have_count(3)
    await expect(rows.nth(1)).to_contain_text("no. 2")
    await expect(rows.nth(2)).to_contain_text(
        re.compile(f"no. 1.*{site.seed.email}.*console 127.0.0.1.*1\u202f2011\u202f201")
    )
    await page.get_by_role("link", name="no. 1").click()
    await expect(page.locator(".receipt")).to_contain_text("1\u202f201 calls will not ring")


async def test_on_a_phone_the_button_hides_nothing_that_has_the_focus(still_site: Site, chromium: Browser) -> None:
    await still_site.queue(9)
    async with watching(chromium, still_site, Look("phone", "light")) as browser:
        page = await browser.sign_in()
        reached: list[str] = []
        while "BODY" not in reached:
            await page.keyboard.press("Tab")
            name, top, bottom = await page.evaluate(_FOCUS)
            reached.append(name)
            assert name == "Call everything off" or bottom <= top, f"{name} is below the button"
        assert len(reached) > 20
        assert "Call everything off" in reached


async def test_the_button_stays_in_sight(still_browser: Watched) -> None:
    await still_browser.site.queue(60)
    page = await still_browser.sign_in()
    await follow(page, "Calls")
    await page.keyboard.press("End")
    await expect(page.get_by_role("link", name="Older")).to_be_in_viewport()
    await expect(page.get_by_role("link", name="Call everything off")).to_be_in_viewport()


async def test_it_works_without_scripts(site: Site, chromium: Browser) -> None:
    await site.queue(3)
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(site.deployment_url)
    await fill_sign_in(page, site.seed.email, PASSWORD)
    await page.get_by_role("link", name="Call everything off").click()
    await expect(page.get_by_role("main").locator("section .stops")).to_have_text(
        "3 pending calls stop: none of them will ring."
    )
    await page.get_by_role("main").get_by_role("button", name="Call everything off").click()
    await expect(page.get_by_role("heading", name="Everything was called off")).to_be_visible()
    await context.close()
    assert await list_calls(site.pool, site.seed.deployment_id, limit=1, statuses=["queued"]) == []
