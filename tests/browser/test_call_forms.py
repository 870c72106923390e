"""The forms for one call and for a list take everything that the API takes, and say beside a field what is wrong."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.conftest import Watched
from tests.support.site import Site


async def _only_call(site: Site) -> dict[str, Any]:
    async with site.pool.connection() as connection:
        cursor = await connection.execute("SELECT * FROM call WHERE deployment_id = %s", (site.seed.deployment_id,))
        [call] = await cursor.fetchall()
    return call


async def _fill_shared(page: Page) -> None:
    await page.get_by_label("Not before").fill("2050-06-01T09:00")
    await page.get_by_label("Not after").fill("2050-06-01T17:30")
    await page.get_by_label("Attempts, at most").fill("3")
    await page.get_by_label("Seconds between attempts").fill("600")
    await page.get_by_label("Callback to").fill("https://example.org/result?a=1&b=2")
    await page.get_by_label("Variables").fill("name=Anna\nformula = a=b")


def _check_shared(call: dict[str, Any]) -> None:
    # The browser is in Berlin, two hours ahead of UTC in summer.
    assert call["start_at"].isoformat() == "2050-06-01T07:00:00+00:00"
    assert call["end_at"].isoformat() == "2050-06-01T15:30:00+00:00"
    assert (call["max_attempts"], call["reattempt_wait"]) == (3, 600)
    assert call["result_url"] == "https://example.org/result?a=1&b=2"
    assert call["variables"] == {"name": "Anna", "formula": "a=b"}
    assert call["is_pci"] is True


async def test_one_call_takes_all_that_the_api_takes(browser: Watched) -> None:
    page = await browser.sign_in()
    await page.get_by_role("link", name="Queue a call").click()
    await page.get_by_role("textbox", name="Number", exact=True).fill("(617) 555-1234")
    await expect(page.get_by_label("Caller ID")).to_be_hidden()
    await page.get_by_text("More", exact=True).click()
    await page.get_by_label("Caller ID").fill("+1 800 995 7586")
    await page.get_by_label("Digits to send").fill("1w2#")
    await page.get_by_label("Keep the number").check()
    await _fill_shared(page)
    await page.get_by_label("Attempts, at most").fill("2")
    await page.get_by_label("Seconds between attempts").fill("")
    await page.get_by_role("button", name="Queue the call").click()
    # What is wrong stands beside its field, which has the focus; what was typed is still there, times included.
    wait = page.get_by_label("Seconds between attempts")
    await expect(page.get_by_role("alert")).to_have_text(re.compile("^The number of attempts above 1 needs"))
    await expect(wait).to_be_focused()
    await expect(wait).to_have_accessible_description(re.compile("Give 60 to 86400 seconds"))
    await expect(page.get_by_label("Not before (your time)")).to_have_value("2050-06-01T09:00")
    await expect(page.get_by_label("Variables")).to_have_value("name=Anna\nformula = a=b")
    await expect(page.get_by_label("Keep the number")).to_be_checked()
    for label, wrong, right, message in (
        ("Caller ID", "12", "+1 800 995 7586", "The caller ID is not a phone number"),
        ("Digits to send", "x", "1w2#", "The digits to send holds something"),
        ("Callback to", "ftp://example.org", "https://example.org/result?a=1&b=2", "The callback's address is not"),
        ("Variables", "name", "name=Anna\nformula = a=b", "Write each variable once"),
        ("Variables", '{"name": 1}', '{"name": "Anna", "formula": "a=b"}', "not a JSON object of strings"),
        ("Not after", "2050-06-01T09:00", "2050-06-01T17:30", "The time to stop is not after the time to begin"),
    ):
        await wait.fill("600")
        await page.get_by_label("Attempts, at most").fill("3")
        await page.get_by_label(label).fill(wrong)
        await page.get_by_role("button", name="Queue the call").click()
        await expect(page.get_by_role("alert")).to_contain_text(message)
        await expect(page.get_by_label(label)).to_be_focused()
        await expect(page.get_by_label(label)).to_have_attribute("aria-invalid", "true")
        await page.get_by_label(label).fill(right)
    await page.get_by_role("button", name="Queue the call").click()
    await page.wait_for_url(re.compile(r"/calls/[0-9]+$"))
    call = await _only_call(browser.site)
    _check_shared(call)
    assert (call["phone_number"], call["ani"], call["postd"]) == ("6175551234", "+18009957586", "1w2#")
    browser.expect_refusal(400)


async def test_a_list_takes_all_that_the_api_takes(browser: Watched) -> None:
    page = await browser.sign_in()
    await page.get_by_role("link", name="Upload a list").click()
    content = b"destination,name\n+16175551234,Berta\n"
    await page.get_by_label("File").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": content})
    button = page.get_by_role("button", name="Queue the list")
    await expect(button).to_be_enabled()
    await page.get_by_text("More", exact=True).click()
    await page.get_by_label("Keep the numbers").check()
    await _fill_shared(page)
    await page.get_by_label("Seconds between attempts").fill("9")
    await page.keyboard.press("Tab")
    # Said as soon as the field is left, beside it, and nothing can be queued.
    await expect(page.get_by_role("alert")).to_contain_text("The wait between attempts is out of range")
    await expect(page.get_by_label("Seconds between attempts")).to_have_attribute("aria-invalid", "true")
    await expect(button).to_be_disabled()
    await page.get_by_label("Seconds between attempts").fill("600")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("alert")).to_have_count(0)
    await expect(page.get_by_role("row", name="Berta")).to_be_visible()
    await button.click()
    await expect(page.get_by_role("status")).to_contain_text("1 call is queued.")
    call = await _only_call(browser.site)
    assert call["variables"]["name"] == "Berta"
    _check_shared({**call, "variables": {**call["variables"], "name": "Anna"}})
    browser.expect_refusal(400)
