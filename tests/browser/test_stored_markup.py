"""What people write into every field is shown as what they wrote, and never runs."""

from playwright.async_api import expect

from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from tests.browser.conftest import Watched
from tests.support.changes import record

CORPUS = [
    "<script>window.pwned=1</script>",
    "\"><img src=x onerror='window.pwned=1'>",
    "'-window.pwned=1-'",
    "</title><svg/onload=window.pwned=1>",
    "{{7*7}}${window.pwned=1}",
    "javascript:window.pwned=1",
    "<a href=javascript:window.pwned=1>x</a><iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<div hx-get=/console/apps hx-trigger=load hx-on::load='window.pwned=1'>",
    "</textarea><style>*{display:none}</style>",
    "<!--<script>-->",
]


async def test_no_field_can_carry_markup(still_browser: Watched) -> None:
    site = still_browser.site
    pool, seeded = site.pool, site.seed
    everything = " ".join(CORPUS)[:190]
    variables = {f"{n} {text}": text for n, text in enumerate(CORPUS)}
    destination = parse_destination("+16175551234")
    url = "http://192.0.2.1/" + "".join(CORPUS).replace(" ", "%20")
    call_id = await submit(pool, seeded.deployment_id, NewCall(destination, result_url=url, variables=variables))
    async with pool.connection() as connection:
        for table in ("application", "deployment", "trunk"):
            await connection.execute(f"UPDATE {table} SET name = %s", (everything,))
        await connection.execute(
            "INSERT INTO account_user (account_id, email) VALUES (%s, %s)", (seeded.account_id, f"{CORPUS[1]}@x")
        )
        await connection.execute(
            "UPDATE callback SET deliveries = jsonb_build_array("
            "event('failed', now(), jsonb_build_object('error', %s::text)))",
            (everything,),
        )
    await cancel_pending(pool, seeded.deployment_id, user_id=seeded.user_id, origin=everything)
    await record(pool, everything, everything, account_id=seeded.account_id, user_id=None, origin=everything)
    page = await still_browser.sign_in()
    here = site.deployment_url
    for path in (
        "/console/apps",
        f"/console/apps/{seeded.application_id}",
        f"/console/apps/{seeded.application_id}/delete",
        "/console/users",
        "/console/trunks",
        f"/console/trunks/{seeded.trunk_id}",
        "/console/audit",
        f"/console/sign-in?next={CORPUS[1]}",
    ):
        await page.goto(site.url + path)
        assert await page.evaluate("window.pwned") is None, path
    for path in ("", "/calls", f"/calls/{call_id}", "/cancellations", "/cancellations/1", "/settings", "/delete"):
        await page.goto(here + path)
        assert await page.evaluate("window.pwned") is None, path
        await expect(page.get_by_role("heading", name=CORPUS[0]).first).to_be_visible()
    for number in CORPUS:
        await page.goto(f"{here}/calls")
        await page.get_by_role("searchbox", name="Number").fill(number)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        assert await page.evaluate("window.pwned") is None
        await page.goto(f"{here}/upload")
        header, cell = number.replace('"', '""'), number.replace('"', "")
        content = f'destination,"{header}"\n+16175551234,"{cell}"\n<b>,x\n'
        await page.get_by_label("File").set_input_files(
            {"name": "list.csv", "mimeType": "text/csv", "buffer": content.encode()}
        )
        await expect(page.get_by_role("status")).to_contain_text(number)
        assert await page.evaluate("window.pwned") is None
