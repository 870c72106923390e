"""A list: looked at before it is queued, and its progress while it loads."""

from playwright.async_api import Page, expect

from tests.browser.conftest import Watched, follow, press

SLOW = 200_000
"""Bytes a second that the browser may send."""
_RECORD_PROGRESS = """() => {
  window.steps = [];
  const bar = document.getElementById("upload-progress");
  new MutationObserver(() => window.steps.push(bar.hidden ? "hidden" : bar.value)).observe(bar, {attributes: true});
}"""


async def test_a_list_is_looked_at_and_queued(browser: Watched) -> None:
    page = await browser.sign_in()
    await press(page, "Pause")
    await follow(page, "Upload a list")
    rows = "".join(f"+1617555{1000 + number},Anna {number}\n" for number in range(200))
    await _choose(page, f"destination,name\n{rows}12,<b>Ben</b>\n".encode())
    await expect(page.get_by_role("row", name="Anna 0")).to_be_visible()
    errors = page.get_by_role("region", name="Rows that cannot be called").get_by_role("row")
    await expect(errors.nth(1)).to_contain_text("202")
    await expect(errors.nth(1)).to_contain_text("not a phone number")
    await page.get_by_role("button", name="Queue the list").click()
    await expect(page.get_by_role("status")).to_contain_text("200 calls are queued. 1 row was left out.")
    await page.get_by_role("link", name="See them go").click()
    await expect(page.get_by_role("heading", name="list.csv")).to_be_visible()
    await expect(page.get_by_text("0 of 200 calls are over")).to_be_visible()


async def test_one_list_is_called_off_and_the_other_goes_on(browser: Watched) -> None:
    site = browser.site
    for calls in (3, 5):
        await site.queue(calls)
    page = await browser.sign_in()
    await follow(page, "Lists")
    lists = page.get_by_role("table").get_by_role("link")
    await expect(lists).to_have_count(2)
    await lists.first.click()
    await press(page, "Pause this list")
    await expect(page.locator("#list-progress .status")).to_have_text("Paused")
    await press(page, "Resume this list")
    await expect(page.locator("#list-progress .status")).to_have_text("Running")
    await follow(page, "Call this list off")
    await expect(page.get_by_text("5 pending calls of this list stop")).to_be_visible()
    await press(page, "Call this list off")
    await expect(page.get_by_text("This list was called off by")).to_contain_text(site.seed.email)
    await expect(page.get_by_role("link", name="Call this list off")).to_have_count(0)
    await expect(page.get_by_text("5 of 5 calls are over")).to_be_visible()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download the results").click()
    results = (await (await downloading.value).path()).read_text(encoding="utf-8")
    assert results.count(",canceled,") == 5
    await follow(page, "Outbound")
    await expect(page.locator(".number.pending dd")).to_have_text("3")


async def test_a_list_that_cannot_be_queued_says_why(browser: Watched) -> None:
    page = await browser.sign_in()
    await follow(page, "Upload a list")
    await _choose(page, b"a,b\n1,2\n")
    await expect(page.get_by_role("alert")).to_contain_text("destination")
    await expect(page.get_by_role("button", name="Queue the list")).to_be_disabled()
    browser.expect_refusal(400)
    await _choose(page, b"destination\n+16175551234\n")
    await expect(page.get_by_role("button", name="Queue the list")).to_be_enabled()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_long_list_shows_how_far_it_is(browser: Watched) -> None:
    page = await browser.sign_in()
    await press(page, "Pause")
    await follow(page, "Upload a list")
    await _choose(page, b"destination\n" + b"".join(b"+1617%07d\n" % number for number in range(2_000_000, 2_020_000)))
    await expect(page.get_by_role("row", name="+16172000009")).to_be_visible()
    network = await page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW}
    await network.send("Network.emulateNetworkConditions", conditions)
    await page.evaluate(_RECORD_PROGRESS)
    await page.get_by_role("button", name="Queue the list").click()
    await expect(page.get_by_role("progressbar", name="Sent")).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("20\u202f000 calls are queued.")
    await expect(page.get_by_role("progressbar", name="Sent")).to_be_hidden()
    steps = await page.evaluate("window.steps")
    shares = [step for step in steps if step != "hidden"]
    assert any(0.1 < share < 0.9 for share in shares), steps
    assert steps[-1] == "hidden"


async def _choose(page: Page, content: bytes) -> None:
    await page.get_by_label("File").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": content})
