"""What people do in the console, in a real browser."""

import re
from pathlib import Path

from playwright.async_api import expect

from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.queue.submit import submit
from tests.browser.conftest import Watched
from tests.support.site import running_dialer


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
