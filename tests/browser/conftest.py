"""A browser on a running `calloff serve`; whatever it complains about, or asks another host for, fails the test.

The server, its dialers and the browser are shared by the tests of a worker. Each test has an account of its own in it,
reached by `browser.site`. Tests and fixtures share one event loop: use `browser.site.pool` and not the fixture `pool`.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from calloff.accounts.passwords import set_password
from calloff.db.pool import open_pool
from tests.browser.looks import WIDE, Look
from tests.support.seed import Seed
from tests.support.servers import new_database
from tests.support.serving import Served, serving
from tests.support.site import PASSWORD, Site, new_owner, running_site

expect.set_options(timeout=15000)
_OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests in the loop that the browser belongs to."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="package")
def served(server_url: str) -> Iterator[Served]:
    """A running server with two dialers, and callbacks that may go to this machine."""
    env = {"CALLOFF_DIALERS": "2", "CALLOFF_ALLOW_NETWORKS": "127.0.0.0/8"}
    with (
        tempfile.TemporaryDirectory(prefix="calloff-browser-") as directory,
        new_database(server_url) as database_url,
        serving(Path(directory), database_url=database_url, env=env) as served,
    ):
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def site(served: Served) -> AsyncIterator[Site]:
    """A new account on that server."""
    assert served.database_url is not None
    async with await open_pool(served.database_url, min_size=1, max_size=4) as pool:
        yield Site(served, pool, await new_owner(pool))


@pytest_asyncio.fixture(loop_scope="session")
async def operator(site: Site) -> Site:
    """The operator's account on that server, which its start made."""
    seed = Seed(1, 1, site.served.email, site.served.key, trunk_id=1, application_id=1, deployment_id=1)
    await set_password(site.pool, seed.user_id, PASSWORD, must_change=False)
    return Site(site.served, site.pool, seed)


@pytest_asyncio.fixture(loop_scope="session")
async def still_site(database_url: str) -> AsyncIterator[Site]:
    """A server of the test's own on which nothing moves by itself."""
    async with await open_pool(database_url, min_size=1, max_size=4) as pool, running_site(pool, database_url) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session", scope="package")
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
    """A browser whose pages are watched, as one person has it."""

    site: Site
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        self.context.on("weberror", lambda error: self._note(True, str(error.error)))
        self.context.on("request", lambda request: self._note(not request.url.startswith(self.site.url), request.url))

    async def page(self) -> Page:
        """A new page."""
        return await self.context.new_page()

    async def sign_in(self, email: str | None = None, password: str = PASSWORD) -> Page:
        """A page of the owner or somebody else, on the deployment's first page."""
        page = await self.page()
        await page.goto(self.site.deployment_url)
        await fill_sign_in(page, email or self.site.seed.email, password)
        await page.wait_for_url(self.site.deployment_url)
        return page

    def expect_refusal(self, status: int) -> None:
        """The browser has complained of one or more answers with `status`, as the test meant it to."""
        words = f"the server responded with a status of {status} "
        assert any(words in complaint for complaint in self.complaints), self.complaints
        of_htmx = f"Response Status Error Code {status} "
        self.complaints[:] = [told for told in self.complaints if words not in told and of_htmx not in told]

    def _note(self, is_wrong: bool, words: str) -> None:
        if is_wrong and not words.startswith("data:"):
            self.complaints.append(words)


async def press(page: Page, button: str) -> None:
    """Press the button that sends a form, and wait for the page that answers it."""
    async with page.expect_navigation():
        await page.get_by_role("button", name=button, exact=True).click()


async def follow(page: Page, link: str) -> None:
    """Follow the link, and wait until the page that it leads to can be used."""
    async with page.expect_navigation():
        await page.get_by_role("link", name=link, exact=True).first.click()


async def fill_sign_in(page: Page, email: str, password: str) -> None:
    """Fill in the form of the page, and send it with a key."""
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


@asynccontextmanager
async def watching(chromium: Browser, site: Site, look: Look = WIDE) -> AsyncIterator[Watched]:
    """One more person's browser on the site."""
    context = await chromium.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(15000)
    watched = Watched(site, context)
    yield watched
    await context.close()
    assert watched.complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def browser(site: Site, chromium: Browser) -> AsyncIterator[Watched]:
    """A browser on the shared server, for the test's own account."""
    async with watching(chromium, site) as watched:
        yield watched


@pytest_asyncio.fixture(loop_scope="session")
async def operators_browser(operator: Site, chromium: Browser) -> AsyncIterator[Watched]:
    """A browser on the shared server, for the operator."""
    async with watching(chromium, operator) as watched:
        yield watched


@pytest_asyncio.fixture(loop_scope="session")
async def still_browser(still_site: Site, chromium: Browser) -> AsyncIterator[Watched]:
    """A browser on a server on which nothing moves by itself."""
    async with watching(chromium, still_site) as watched:
        yield watched
