"""What people do in the console, in a real browser."""

import re
from pathlib import Path

import httpx
from playwright.async_api import expect

from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.queue.submit import submit
from tests.browser.conftest import Watched
from tests.support.site import PASSWORD, running_dialer


async def test_everything_is_called_off_with_one_click_and_one_key_while_a_dialer_works(
    browser: Watched, database_url: str, tmp_path: Path
) -> None:
    site = browser.site
    for number in range(300):
        await submit(site.pool, site.seed.deployment_id, NewCall(parse_destination(f"+1617555{1000 + number}")))
    async with running_dialer(site.pool, database_url, tmp_path, ports=20, speed=2.0):
        page = await browser.sign_in()
        await expect(page.locator(".number.connected dd")).not_to_have_text("0")
        await page.get_by_role("link", name="Call everything off").click()
        await expect(page.get_by_role("dialog")).to_contain_text("none of them will ring")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile(r"/cancellations/1$"))
        await expect(page.get_by_role("heading", name="Everything was called off")).to_be_visible()
        await expect(page.locator(".receipt")).to_contain_text(site.seed.email)
        await expect(page.locator("#progress")).to_contain_text("Complete")
        async with site.pool.connection() as connection:
            cursor = await connection.execute(
                """
                SELECT count(*) FILTER (WHERE c.state = 'canceled') AS canceled,
                       count(*) FILTER (WHERE c.state IN ('queued', 'claimed')) AS pending,
                       bool_or(e.at > x.canceled_at) AS dialed_after
                FROM call AS c CROSS JOIN cancellation AS x
                LEFT JOIN LATERAL (
                    SELECT to_timestamp((e ->> 'timestamp')::float8) AS at
                    FROM jsonb_array_elements(c.events) AS e WHERE e ->> 'event' = 'dialing'
                ) AS e ON true
                """
            )
            row = await cursor.fetchone()
        assert row is not None
        assert row["canceled"] > 200
        assert row["pending"] == 0
        assert not row["dialed_after"]
        receipt = await page.locator(".stops b").first.inner_text()
        assert int(receipt) == row["canceled"]
        await page.get_by_role("link", name="Cancellations", exact=True).click()
        await expect(page.get_by_role("cell", name=site.seed.email)).to_be_visible()


async def test_a_list_is_looked_at_and_queued(browser: Watched) -> None:
    page = await browser.sign_in()
    await page.get_by_role("link", name="Upload a list").click()
    rows = "".join(f"+1617555{1000 + number},Anna {number}\n" for number in range(200))
    content = f"destination,name\n{rows}12,<b>Ben</b>\n".encode()
    await page.get_by_label("File").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": content})
    await expect(page.get_by_role("row", name="Anna 0")).to_be_visible()
    await expect(page.get_by_role("region", name="Rows that cannot be called")).to_contain_text("not a phone number")
    await page.get_by_role("button", name="Queue the list").click()
    await expect(page.get_by_role("status")).to_contain_text("200 calls are queued. 1 row was left out.")
    await page.get_by_role("link", name="See them go").click()
    await expect(page.locator(".number.pending dd")).to_have_text("200")
    await page.get_by_role("link", name="Upload a list").click()
    await page.get_by_label("File").set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"})
    await expect(page.get_by_role("alert")).to_contain_text("destination")
    await expect(page.get_by_role("button", name="Queue the list")).to_be_disabled()
    browser.complaints[:] = [words for words in browser.complaints if "400" not in words]


async def test_one_call_is_queued_by_hand_and_followed(browser: Watched, database_url: str, tmp_path: Path) -> None:
    async with running_dialer(browser.site.pool, database_url, tmp_path):
        page = await browser.sign_in()
        await page.get_by_role("link", name="Queue a call").click()
        await expect(page.get_by_role("complementary")).to_contain_text("0001")
        await page.get_by_role("textbox", name="Number", exact=True).fill("12")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("phone_number is not a phone number")
        browser.complaints[:] = [words for words in browser.complaints if "400" not in words]
        await page.get_by_role("textbox", name="Number", exact=True).fill("+16175550001")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile(r"/calls/1$"))
        await expect(page.locator("#call .head .status")).to_have_text("Failed")
        await expect(page.locator("#call")).to_contain_text("Busy (SIP 486)")
        await page.get_by_role("link", name="Calls", exact=True).click()
        await page.get_by_role("searchbox", name="Number").fill("(617) 555-0001")
        await page.keyboard.press("Enter")
        await expect(page.locator(".error")).to_have_count(0)
        await page.get_by_role("searchbox", name="Number").fill("+1 617 555 0001")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="1", exact=True)).to_be_visible()


async def test_pause_and_resume(browser: Watched) -> None:
    page = await browser.sign_in()
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Paused")).to_be_visible()
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()


async def test_an_application_is_made_shared_and_deleted(browser: Watched) -> None:
    site = browser.site
    page = await browser.sign_in()
    await page.goto(f"{site.url}/console/users")
    await page.get_by_label("New user").fill("anna@example.org")
    await page.get_by_role("button", name="Add").click()
    first = await page.locator(".secret").inner_text()
    await page.get_by_role("link", name="Applications").click()
    await page.get_by_label("New application").fill("Storm warning")
    await page.get_by_role("button", name="Create").click()
    await page.get_by_label("New deployment").fill("Coast")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name="Coast")).to_be_visible()
    await page.get_by_role("link", name="Storm warning").click()
    await page.get_by_label("Share with").fill("anna@example.org")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("row", name="anna@example.org")).to_contain_text("Yes")
    shared = page.url
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("E-mail address").fill("Anna@example.org")
    await page.get_by_label("Password").fill(first)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Choose a password of your own")).to_be_visible()
    await page.goto(shared)
    await expect(page.get_by_role("heading", name="Choose a password of your own")).to_be_visible()
    await page.get_by_label("Present password").fill(first)
    await page.get_by_label("New password", exact=True).fill("four words of my own")
    await page.get_by_label("New password again").fill("four words of my own")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/console/apps$"))
    await page.goto(shared)
    await page.get_by_role("link", name="Coast").click()
    await expect(page.get_by_role("link", name="Call everything off")).to_have_count(0)
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("E-mail address").fill(site.seed.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/console/apps$"))
    await page.goto(f"{shared}/delete")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/console/apps$"))
    await expect(page.get_by_text("Storm warning")).to_have_count(0)
    await page.goto(f"{site.url}/console/audit")
    for change in ("Delete an application", "Share an application", "Add a user", "Change the password"):
        await expect(page.get_by_role("cell", name=change)).to_be_visible()


async def test_a_key_is_shown_once_used_and_revoked(browser: Watched) -> None:
    site = browser.site
    page = await browser.sign_in()
    await page.get_by_role("link", name="Keys").click()
    await page.get_by_role("button", name="Make a key").click()
    key = await page.locator(".secret").inner_text()
    status = f"{site.url}/api/apps/{site.seed.application_id}/{site.seed.deployment_id}/calls"
    async with httpx.AsyncClient(auth=(site.seed.email, key), trust_env=False) as client:
        assert (await client.get(status)).status_code == 200
        await page.goto(f"{site.url}/console/keys")
        assert key not in await page.content()
        await expect(page.get_by_role("row", name="no. 2")).not_to_contain_text("never")
        await page.get_by_role("button", name="Revoke key no. 2").click()
        await expect(page.get_by_role("row", name="no. 2")).to_contain_text("Revoked")
        assert (await client.get(status)).status_code == 401


async def test_a_trunk_is_limited_and_tried(browser: Watched, database_url: str, tmp_path: Path) -> None:
    async with running_dialer(browser.site.pool, database_url, tmp_path):
        page = await browser.sign_in()
        await page.get_by_role("link", name="Trunks").click()
        await page.get_by_role("link", name="simulated").click()
        await page.get_by_label("Calls at once, at most").fill("7")
        await page.get_by_role("button", name="Save").click()
        await page.reload()
        await expect(page.get_by_label("Calls at once, at most")).to_have_value("7")
        await page.get_by_role("textbox", name="Number", exact=True).fill("+16175551234")
        await page.get_by_role("button", name="Make a test call").click()
        await expect(page.locator("#call .head .status")).to_have_text("Completed")
