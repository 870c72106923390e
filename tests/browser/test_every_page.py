"""Every page, at two widths and in light and dark: no violation that axe-core finds, and nothing wider than the screen.

With `CALLOFF_SCREENSHOTS=1` it also writes docs/images/.
"""

import os
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from calloff.accounts.audit import record
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from calloff.queue.cancel import cancel_pending
from calloff.queue.settler import settle_canceled
from calloff.queue.submit import submit
from tests.browser.conftest import IMAGES, Watched
from tests.support.site import Site

_AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1.min.js").read_text()
_WIDTHS = {"wide": 1280, "phone": 390}
_SHOWN_IN_FULL = {"outbound", "call-everything-off", "receipt", "queue", "upload", "docs"}
"""The pages of which docs/images/ has every variant."""
_RUN_AXE = """async () => {
  const found = await axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
  return found.violations.map((v) => [v.id, v.nodes.map((n) => n.html + " " + n.failureSummary)]);
}"""
_FILL = """
INSERT INTO call (deployment_id, epoch, state, phone_number, queued_at, start_at, due_at, attempts, connected_at,
                  ended_at, result, sip_code, callee_type, token, dialer_id, claimed_at, events)
SELECT %(deployment_id)s, 1, s.state, '+1617555' || lpad((1000 + n * 7 %% 9000)::text, 4, '0'), s.at, s.at, s.at, 1,
       CASE WHEN s.state IN ('completed', 'connected') THEN s.at + interval '2 s' END,
       CASE WHEN s.state IN ('completed', 'failed') THEN s.at + interval '9 s' END, s.result, s.sip_code,
       CASE WHEN s.state = 'completed' THEN 'voice' END,
       CASE WHEN s.state IN ('connected', 'dialing') THEN gen_random_uuid() END,
       CASE WHEN s.state IN ('connected', 'dialing') THEN 1 END,
       CASE WHEN s.state IN ('connected', 'dialing') THEN s.at END,
       jsonb_build_array(event('dialing', s.at + interval '1 s'))
FROM generate_series(1, 900) AS n CROSS JOIN LATERAL (
    SELECT CASE WHEN n > 892 THEN 'dialing' WHEN n > 875 THEN 'connected'
                WHEN n %% 7 = 0 OR n %% 5 = 0 THEN 'failed' ELSE 'completed' END AS state,
           CASE WHEN n > 875 THEN NULL WHEN n %% 35 = 0 THEN 'carrier_error' WHEN n %% 7 = 0 THEN 'busy'
                WHEN n %% 5 = 0 THEN 'no_answer' ELSE 'answered' END AS result,
           CASE WHEN n %% 35 = 0 THEN 503 WHEN n %% 7 = 0 THEN 486 WHEN n %% 5 = 0 THEN 480 ELSE 200 END AS sip_code,
           now() - interval '55 minutes' * (1 - sqrt(n / 900.0)) - interval '1 minute' AS at
) AS s
"""
_TALLY = """
INSERT INTO ended_calls (deployment_id, place, result, slot, minute, calls)
SELECT deployment_id, extract(minute FROM date_trunc('minute', ended_at)), result, 0, date_trunc('minute', ended_at),
       count(*)
FROM call WHERE result IS NOT NULL AND deployment_id = %(deployment_id)s GROUP BY deployment_id, 5, result
"""


async def test_every_page_can_be_used_by_everybody(browser: Watched) -> None:
    site = browser.site
    last_call = await _fill(site)
    page = await browser.page()
    await page.goto(f"{site.url}/console/sign-in")
    await examine(page, "sign-in")
    page = await browser.sign_in()
    here = site.deployment_url
    pages = {
        "applications": f"{site.url}/console/apps",
        "application": f"{site.url}/console/apps/{site.seed.application_id}",
        "outbound": here,
        "calls": f"{here}/calls",
        "call": f"{here}/calls/{last_call}",
        "queue": f"{here}/queue",
        "upload": f"{here}/upload",
        "cancel": f"{here}/cancel",
        "cancellations": f"{here}/cancellations",
        "receipt": f"{here}/cancellations/1",
        "settings": f"{here}/settings",
        "delete": f"{here}/delete",
        "keys": f"{site.url}/console/keys",
        "users": f"{site.url}/console/users",
        "trunks": f"{site.url}/console/trunks",
        "trunk": f"{site.url}/console/trunks/{site.seed.trunk_id}",
        "audit": f"{site.url}/console/audit",
        "password": f"{site.url}/console/password",
    }
    for name, url in pages.items():
        answer = await page.goto(url)
        assert answer is not None
        assert answer.status == 200, url
        await examine(page, name)
    await page.goto(here)
    await page.get_by_role("link", name="Call everything off").click()
    await examine(page, "call-everything-off")


async def examine(page: Page, name: str) -> None:
    """Look at the page in both widths and both schemes."""
    await page.evaluate(_AXE)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        for size, width in _WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": 844 if size == "phone" else 800})
            if (scheme == "dark") == (size == "phone"):
                violations: list[Any] = await page.evaluate(_RUN_AXE)
                assert violations == [], f"{name}, {scheme}, {size}"
            overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{name} is {overflow} px wider than {width} px"
            is_shown = name in _SHOWN_IN_FULL or (scheme, size) == ("light", "wide")
            if is_shown and os.environ.get("CALLOFF_SCREENSHOTS"):
                await page.screenshot(path=IMAGES / f"{name}-{size}-{scheme}.png")
    await page.set_viewport_size({"width": 1280, "height": 800})


async def _fill(site: Site) -> int:
    pool, seed = site.pool, site.seed
    for number in range(1200):
        await submit(pool, seed.deployment_id, NewCall(parse_destination(f"+1617555{1000 + number}")))
    await cancel_pending(pool, seed.deployment_id, user_id=seed.user_id, origin="console 192.0.2.17")
    await settle_canceled(pool)
    async with pool.connection() as connection:
        await connection.execute(_FILL, {"deployment_id": seed.deployment_id})
        await connection.execute(_TALLY, {"deployment_id": seed.deployment_id})
    call_id = 0
    for number in range(300):
        schedule = Schedule(start=4102444800) if number % 2 else Schedule(max_attempts=3, reattempt_wait=300)
        call = NewCall(parse_destination(f"+1617555{4000 + number}"), schedule, is_pci=number % 9 == 0)
        call_id = await submit(pool, seed.deployment_id, call)
    for action, subject in (("create a deployment", "deployment 1"), ("pause", "deployment 1")):
        await record(
            pool, action, subject, account_id=seed.account_id, user_id=seed.user_id, origin="console 192.0.2.17"
        )
    return call_id - 400
