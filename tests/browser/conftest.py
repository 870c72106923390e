"""A browser on a running site; whatever it complains about, or asks another host for, fails the test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from calloff.db.pool import Pool
from tests.support.site import PASSWORD, Site, running_site

expect.set_options(timeout=15000)
IMAGES = Path(__file__).parents[2] / "docs" / "images"
_OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def site(pool: Pool, database_url: str) -> AsyncIterator[Site]:
    """A site of the test's own."""
    async with running_site(pool, database_url) as running:
        yield running


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", chromium_sandbox=False, args=_OPTIONS
        )
        yield browser
        await browser.close()


@dataclass(slots=True)
class Watched:
    """A context whose pages are watched."""

    site: Site
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    async def page(self) -> Page:
        """A new page."""
        page = await self.context.new_page()
        page.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("request", lambda request: self._note(not request.url.startswith(self.site.url), request.url))
        return page

    async def sign_in(self) -> Page:
        """A page of the owner, on the deployment's first page."""
        page = await self.page()
        await page.goto(self.site.deployment_url)
        await page.get_by_label("E-mail address").fill(self.site.seed.email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(self.site.deployment_url)
        return page

    def _note(self, is_wrong: bool, words: str) -> None:
        if is_wrong and not words.startswith("data:"):
            self.complaints.append(words)


@pytest.fixture
async def browser(site: Site, chromium: Browser) -> AsyncIterator[Watched]:
    """A browser on the site."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, timezone_id="Europe/Berlin")
    context.set_default_timeout(15000)
    watched = Watched(site, context)
    yield watched
    await context.close()
    assert watched.complaints == []
