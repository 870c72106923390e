"""Signing in and out, from the first words of a new server on."""

import re
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from calloff.db.embedded import EmbeddedServer
from calloff.db.pool import open_pool
from tests.browser.conftest import Watched, fill_sign_in, follow, press, watching
from tests.support.seed import Seed
from tests.support.serving import Served, serving
from tests.support.site import PASSWORD, Site

OWN = "four words of my own"


async def test_the_first_user_signs_in_with_what_the_server_printed(chromium: Browser) -> None:
    with tempfile.TemporaryDirectory(prefix="calloff-browser-") as directory, serving(Path(directory)) as served:
        async with await open_pool(EmbeddedServer(served.data_dir).conninfo, min_size=1, max_size=1) as pool:
            seed = Seed(1, 1, served.email, served.key, trunk_id=1, application_id=1, deployment_id=1)
            async with watching(chromium, Site(served, pool, seed)) as browser:
                await _begin(browser, served)


async def _begin(browser: Watched, served: Served) -> None:
    page = await browser.page()
    await page.goto(f"{served.url}/console")
    await fill_sign_in(page, served.email, "not the password at all")
    await expect(page.get_by_role("alert")).to_be_visible()
    browser.expect_refusal(401)
    printed = re.search(r"password +(\S+) \(", served.output.read_text())
    assert printed is not None
    await fill_sign_in(page, served.email, printed[1])
    await _choose(page, printed[1])
    await follow(page, "Sandbox")
    await expect(page.get_by_role("link", name="Call everything off")).to_be_visible()

    made = served.run("admin", "user", "password", served.email)
    await page.reload()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await fill_sign_in(page, served.email, made.stdout.split()[-1])
    await _choose(page, made.stdout.split()[-1])
    await follow(page, "Audit log")
    await expect(page.get_by_role("row", name="Reset a password")).to_contain_text("command line")
    assert OWN not in served.log.read_text()


async def _choose(page: Page, present: str) -> None:
    """Choose a password of one's own, which one has to do before anything else."""
    heading = page.get_by_role("heading", name="Choose a password of your own")
    await expect(heading).to_be_visible()
    await page.goto(page.url.replace("/password", "/keys"))
    await expect(heading).to_be_visible()
    await page.get_by_label("Present password").fill(present)
    await page.get_by_label("New password", exact=True).fill(OWN)
    await page.get_by_label("New password again").fill(OWN)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/console/apps$"))


async def test_one_comes_back_to_where_one_was_and_is_out_after_signing_out(browser: Watched) -> None:
    wanted = f"{browser.site.deployment_url}/calls"
    page = await browser.page()
    await page.goto(wanted)
    await fill_sign_in(page, browser.site.seed.email.upper(), PASSWORD)
    await page.wait_for_url(wanted)
    other_tab = await browser.page()
    await other_tab.goto(wanted)
    stolen = await browser.context.cookies()
    await press(page, "Sign out")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await browser.context.add_cookies([{"name": c["name"], "value": c["value"], "url": page.url} for c in stolen])
    for again in (other_tab.reload(), page.go_back(), page.goto(wanted)):
        await again
    for tab in (page, other_tab):
        await expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_new_password_ends_every_other_session(browser: Watched, chromium: Browser) -> None:
    page = await browser.sign_in()
    async with watching(chromium, browser.site) as elsewhere:
        other = await elsewhere.sign_in()
        await page.get_by_role("link", name=browser.site.seed.email).click()
        await page.get_by_label("Present password").fill("this is not it, really")
        await page.get_by_label("New password", exact=True).fill(OWN)
        await page.get_by_label("New password again").fill(OWN)
        await press(page, "Change the password")
        await expect(page.get_by_role("alert")).to_contain_text("The present password is wrong")
        browser.expect_refusal(400)
        await page.get_by_label("Present password").fill(PASSWORD)
        await page.get_by_label("New password", exact=True).fill(OWN)
        await page.get_by_label("New password again").fill(OWN)
        await press(page, "Change the password")
        await expect(page.get_by_role("heading", name="Applications")).to_be_visible()
        # The page that was left open elsewhere sees it by itself, and comes back to where it was.
        await other.wait_for_url("**/sign-in?next=**")
        await fill_sign_in(other, browser.site.seed.email, OWN)
        await other.wait_for_url(browser.site.deployment_url)
