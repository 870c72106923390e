"""The whole service as its users start it: `calloff serve`, its command line, its dialers, and a browser."""

import asyncio
import re
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.support.serving import serving


async def test_the_first_user_signs_in_and_calls_everything_off(chromium: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "data") as served:
        made = await asyncio.to_thread(served.run, "admin", "user", "password", served.email)
        password = made.stdout.split()[-1]
        with served.client() as client:
            rows = "".join(f"+1617556{1000 + number}\n" for number in range(3000))
            path = f"/api/apps/{served.application_id}/{served.deployment_id}/bulk_queue"
            client.post(path, files={"csv": ("list.csv", f"destination\n{rows}")}).raise_for_status()
        page = await chromium.new_page()
        page.set_default_timeout(15000)
        await page.goto(f"{served.url}/console")
        await page.get_by_label("E-mail address").fill(served.email)
        await page.get_by_label("Password").fill(password)
        await page.keyboard.press("Enter")
        await page.get_by_label("Present password").fill(password)
        await page.get_by_label("New password", exact=True).fill("four words of my own")
        await page.get_by_label("New password again").fill("four words of my own")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("/console/apps$"))
        await page.goto(f"{served.url}/console/apps/{served.application_id}/{served.deployment_id}")
        await expect(page.locator(".number.connected dd")).not_to_have_text("0")
        await page.get_by_role("link", name="Call everything off").click()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Everything was called off")).to_be_visible()
        await expect(page.locator("#progress")).to_contain_text("Complete")
        with served.client() as client:
            path = f"/api/apps/{served.application_id}/{served.deployment_id}"
            [receipt] = client.get(f"{path}/cancellations").json()["cancellations"]
            assert receipt["canceled_by"] == served.email
            assert receipt["canceled_calls"] > 0
            assert client.get(f"{path}/calls?status=queued").json()["calls"] == []
        await page.goto(f"{served.url}/console/audit")
        await expect(page.get_by_role("cell", name="Call everything off")).to_be_visible()
        await expect(page.get_by_role("row", name="Reset a password")).to_contain_text("command line")
        await page.close()
