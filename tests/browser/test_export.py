"""The calls of a page, taken home."""

import csv

from playwright.async_api import expect

from calloff.calls.submit import submit
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from tests.browser.conftest import Watched


async def test_the_present_filter_is_downloaded(browser: Watched) -> None:
    site = browser.site
    for number in ("+16175551234", "+16175551234", "+16175559999"):
        await submit(site.pool, site.seed.deployment_id, NewCall(parse_destination(number), variables={"a": "=1"}))
    page = await browser.sign_in()
    await page.get_by_role("link", name="Calls", exact=True).click()
    await page.get_by_role("searchbox", name="Number").fill("+1 617 555 1234")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Calls to the number")).to_be_visible()
    async with page.expect_download() as started:
        await page.get_by_role("link", name="CSV").click()
    download = await started.value
    assert download.suggested_filename == f"calls-{site.seed.deployment_id}.csv"
    with (await download.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["phone_number"] for row in rows] == ["'+16175551234"] * 2
    await page.get_by_role("link", name="All calls").click()
    async with page.expect_download() as started:
        await page.get_by_role("link", name="JSON Lines").click()
    assert len((await (await started.value).path()).read_text().splitlines()) == 3
