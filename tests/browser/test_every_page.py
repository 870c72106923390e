"""Every page in every look."""

import pytest
from playwright.async_api import Browser, Page, expect

from calloff.lists.registry import find_lists
from tests.browser.an_hour import fill
from tests.browser.conftest import follow, press, watching
from tests.browser.looks import LOOKS, Look, examine
from tests.support.site import Site

PAGES = {
    "applications": "/apps",
    "application": "/apps/{application_id}",
    "delete-application": "/apps/{application_id}/delete",
    "outbound": "{deployment}",
    "calls": "{deployment}/calls",
    "search": "{deployment}/calls?number=%2B16175554007",
    "call": "{deployment}/calls/{call_id}",
    "queue": "{deployment}/queue",
    "upload": "{deployment}/upload",
    "cancel": "{deployment}/cancel",
    "lists": "{deployment}/lists",
    "list": "{deployment}/lists/{list_id}",
    "cancel-list": "{deployment}/lists/{list_id}/cancel",
    "cancellations": "{deployment}/cancellations",
    "receipt": "{deployment}/cancellations/1",
    "settings": "{deployment}/settings",
    "delete": "{deployment}/delete",
    "keys": "/keys",
    "users": "/users",
    "trunks": "/trunks",
    "trunk": "/trunks/{trunk_id}",
    "new-sip-trunk": "/trunks/new/sip",
    "new-sandbox": "/trunks/new/simulated",
    "limits": "/limits",
    "audit": "/audit",
    "password": "/password",
}
"""The path of each page below /console, by the name of its picture."""


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_every_page_can_be_used_by_everybody(still_site: Site, chromium: Browser, look: Look) -> None:
    seed = still_site.seed
    deployment = f"/apps/{seed.application_id}/{seed.deployment_id}"
    places = {
        "application_id": seed.application_id,
        "deployment": deployment,
        "trunk_id": seed.trunk_id,
        "call_id": await fill(still_site),
    }
    await still_site.queue(40)
    [newest] = await find_lists(still_site.pool, limit=1, deployment_id=seed.deployment_id)
    places["list_id"] = newest.list_id
    async with watching(chromium, still_site, look) as browser:
        page = await browser.page()
        await page.goto(f"{still_site.url}/console/sign-in")
        await examine(page, "sign-in", look)
        page = await browser.sign_in()
        for name, path in PAGES.items():
            answer = await page.goto(f"{still_site.url}/console{path.format(**places)}")
            assert answer is not None
            assert answer.status == 200, name
            await examine(page, name, look)
        await page.goto(still_site.deployment_url)
        await _examine_what_comes_of_a_click(page, look)
        await page.goto(f"{still_site.deployment_url}/calls/1000000")
        browser.expect_refusal(404)
        await examine(page, "error", look)


async def _examine_what_comes_of_a_click(page: Page, look: Look) -> None:
    await page.get_by_role("link", name="Call everything off").click()
    await examine(page, "call-everything-off", look)
    await page.get_by_role("button", name="Go on calling").click()
    await follow(page, "Upload a list")
    rows = b"destination,first name,town\n+16175551234,Anna,Boston\n+16175551235,Ben,Salem\n12,Cleo,Lynn\n"
    await page.get_by_label("File").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": rows})
    await expect(page.get_by_role("button", name="Queue the list")).to_be_enabled()
    await examine(page, "upload-preview", look)
    await follow(page, "Keys")
    await press(page, "Make a key")
    await examine(page, "key-made", look)
    await follow(page, "Users")
    await page.get_by_label("New user").fill("night@example.org")
    await press(page, "Add")
    await examine(page, "user-added", look)
