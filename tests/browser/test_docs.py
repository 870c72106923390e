"""The page that tries out the API, in a real browser."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, Dialog, Page, expect

from tests.browser.conftest import Watched, watching
from tests.browser.looks import LOOKS, Look, examine
from tests.support.site import Site


async def test_a_request_is_built_sent_and_read(browser: Watched) -> None:
    site, page = browser.site, await browser.page()
    await page.goto(f"{site.url}/docs#queue")
    await expect(page.get_by_role("link", name="Queue one call", exact=True).first).to_have_attribute(
        "aria-current", "location"
    )
    asked: list[str] = []
    page.on("dialog", lambda dialog: _answer(dialog, asked, accept=True))
    await page.get_by_label("E-mail address").fill(site.seed.email)
    await page.get_by_label("Developer key").fill(site.seed.developer_key)
    await page.get_by_label("Application ID").fill(str(site.seed.application_id))
    await page.get_by_label("Deployment ID").fill(str(site.seed.deployment_id))
    assert '"paused": true' in await _send(page, "pause")
    queue = page.locator("#queue")
    await queue.get_by_label("phone_number (required)").fill("6175550001")
    call_ids = []
    for media_type in ("application/x-www-form-urlencoded", "multipart/form-data", "application/json"):
        await queue.get_by_label("Send as").select_option(media_type)
        answer = await _send(page, "queue")
        assert "200 OK" in answer
        assert "link: " in answer
        call_ids += re.findall('"call_id": "([0-9]+)"', answer)
    assert len(set(call_ids)) == 3
    assert '"queued": 2' in await _send(page, "bulk_queue")
    assert "202 Accepted" in await _send(page, "cancel")
    assert asked[-1].endswith(
        f": application {site.seed.application_id}, deployment {site.seed.deployment_id}. "
        "This is done for real. Send it?"
    )
    await page.get_by_label("Answers as").select_option("application/xml")
    told = len(asked)
    status = page.locator("#read_status")
    await status.get_by_label("call_id (required)").fill(call_ids[2])
    assert "<status>canceled</status>" in await _send(page, "read_status")
    assert len(asked) == told


async def test_nothing_is_sent_by_one_click(browser: Watched) -> None:
    page = await browser.page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    await page.goto(f"{browser.site.url}/docs#cancel")
    cancel = page.locator("#cancel")
    await cancel.get_by_role("button", name="Send").click()
    await expect(cancel.get_by_role("status")).to_contain_text("Fill in application_id and deployment_id first.")
    await page.get_by_label("Application ID").fill(str(browser.site.seed.application_id))
    await page.get_by_label("Deployment ID").fill(str(browser.site.seed.deployment_id))
    asked: list[str] = []
    page.on("dialog", lambda dialog: _answer(dialog, asked, accept=False))
    await cancel.get_by_role("button", name="Send").click()
    await expect(cancel.get_by_role("status")).to_contain_text("Nothing was sent.")
    assert len(asked) == 1
    assert "DELETE" not in sent


async def _answer(dialog: Dialog, asked: list[str], *, accept: bool) -> None:
    """Note what the page asks, and say yes or no."""
    asked.append(dialog.message)
    await (dialog.accept() if accept else dialog.dismiss())


async def _send(page: Page, operation: str) -> str:
    """Send the operation's request; returns what the page says of the answer."""
    section = page.locator(f"#{operation}")
    verdict = section.get_by_role("status")
    await verdict.evaluate("element => element.replaceChildren()")
    await section.get_by_role("button", name="Send").click()
    await expect(verdict).to_contain_text("ms")
    return await verdict.inner_text()


async def test_the_samples_say_what_was_filled_in(browser: Watched) -> None:
    page = await browser.page()
    await page.goto(f"{browser.site.url}/docs")
    await page.get_by_label("Application ID").fill("77")
    await page.get_by_label("Deployment ID").fill("1")
    cancel = page.locator("#cancel")
    await cancel.get_by_role("tab", name="cURL").focus()
    for language in ("cURL", "Python", "PHP", "JavaScript"):
        tab = cancel.get_by_role("tab", name=language)
        await expect(tab).to_be_focused()
        await expect(tab).to_have_attribute("aria-selected", "true")
        await expect(cancel.get_by_role("tabpanel")).to_contain_text(f"{browser.site.url}/api/apps/77/1/cancel")
        await page.keyboard.press("ArrowRight")
    await expect(cancel.get_by_role("tab", name="cURL")).to_be_focused()
    sample = await cancel.get_by_role("tabpanel").locator("pre").inner_text()
    await cancel.get_by_role("button", name="Copy").click()
    await expect(cancel.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == sample


async def test_every_operation_has_an_address_that_leads_to_it(browser: Watched) -> None:
    page = await browser.page()
    async with browser.site.client() as client:
        paths = (await client.get(f"{browser.site.url}/openapi.json")).json()["paths"]
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        await page.goto("about:blank")
        await page.goto(f"{browser.site.url}/docs#{operation['operationId']}")
        section = page.locator(f"#{operation['operationId']}")
        await expect(section.get_by_role("heading", name=operation["summary"])).to_be_in_viewport()
        await section.get_by_text("Answers", exact=True).click()
        for status in operation["responses"]:
            await expect(section.locator(".answers b", has_text=status)).to_be_visible()
    await page.locator('#contents a[href="#cancel"]').click()
    assert page.url == f"{browser.site.url}/docs#cancel"


async def test_every_answer_shows_its_body(browser: Watched) -> None:
    page = await browser.page()
    async with browser.site.client() as client:
        document = (await client.get(f"{browser.site.url}/openapi.json")).json()
    await page.goto(f"{browser.site.url}/docs#queue")
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        answers = page.locator(f"#{operation['operationId']} .answers")
        expected = [example for answer in operation["responses"].values() for example in _examples(document, answer)]
        shown = await answers.locator("pre").all_text_contents()
        assert expected
        assert [text if text.startswith("<") else json.loads(text) for text in shown] == expected
    answers = page.locator("#read_status > details")
    for folded in (answers, answers.locator("details").first):
        await expect(folded.locator("pre").first).to_be_hidden()
        await folded.locator("summary").first.focus()
        await page.keyboard.press("Enter")
    await expect(answers.locator("pre").first).to_contain_text('"status": "completed"')
    await expect(answers.locator("pre").first).to_be_visible()
    body = '{ "error": "No call was found by that call id.", "code": "call_not_found" }'
    await expect(answers.get_by_text(body)).to_be_visible()


def _examples(document: dict[str, Any], answer: dict[str, Any]) -> Iterator[Any]:
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    for media in answer.get("content", {}).values():
        for example in media.get("examples", {}).values():
            yield example["value"]


async def test_it_tells_what_is_sent_to_a_result_url(browser: Watched) -> None:
    page = await browser.page()
    await page.goto(f"{browser.site.url}/docs#bulk_queue")
    await page.locator("#bulk_queue").get_by_role("link", name="Receive the result of a call").click()
    section = page.locator("#receive_result")
    await expect(section.get_by_role("heading", name="Receive the result of a call")).to_be_in_viewport()
    for words in ("{result_url}", "webhook-id", "webhook-timestamp", "webhook-signature"):
        await expect(section).to_contain_text(words)
    await section.get_by_text("application/x-www-form-urlencoded", exact=True).last.click()
    await expect(section.locator("pre", has_text="events%5B0%5D%5Bevent%5D=queued")).to_be_visible()
    await section.get_by_text("What your server answers").click()
    assert await section.locator(".answers b").all_inner_texts() == ["2XX", "410", "default"]


async def test_wrong_credentials_are_answered_in_the_page(browser: Watched) -> None:
    page = await browser.page()
    await page.goto(f"{browser.site.url}/docs#pause")
    page.on("dialog", lambda dialog: _answer(dialog, [], accept=True))
    await page.get_by_label("Application ID").fill("1")
    await page.get_by_label("Deployment ID").fill("1")
    pause = page.locator("#pause")
    await pause.get_by_role("button", name="Send").click()
    await expect(pause.get_by_role("status")).to_contain_text("401 Unauthorized")
    browser.expect_refusal(401)


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_everybody_can_use_it(site: Site, chromium: Browser, look: Look) -> None:
    async with watching(chromium, site, look) as browser:
        page = await browser.page()
        await page.goto(f"{site.url}/docs")
        await expect(page.locator(".operation")).to_have_count(22)
        await examine(page, "docs", look)
        await page.locator("details").evaluate_all("all => all.forEach((details) => { details.open = true; })")
        await examine(page, "docs-unfolded", look)
