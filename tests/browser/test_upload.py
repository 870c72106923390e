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
    await expect(page.locator(".number.pending dd")).to_have_text("200")


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
