"""Markup in every text that the database can hold is on every page only as text (security.md row 19).

Beside `tests/browser/test_stored_markup.py`, which sees that none runs in a browser, this one leaves out no field.
"""

import html
import re

import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql

from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.upkeep.settler import settle_canceled
from tests.integration.console.conftest import Visit, console_routes, owner_of, visit
from tests.integration.console.forms import fill
from tests.support.changes import record
from tests.support.seed import seed

_MARKUP = "<canary onload='a()' title=\"{{7*7}}\">"
_COLUMNS = """
SELECT table_name, column_name, data_type = 'jsonb' AS is_json FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN ('text', 'jsonb', 'character varying')
  AND table_name NOT IN ('call_count', 'ended_calls', 'migration', 'function_source')
"""
"""Of every table but those that hold nothing but what we count and note ourselves."""
# What the table itself keeps to a form that no markup has.
_GUARDED = {
    "account.country",
    "account_user.password_hash",
    "call.ani",
    "call.phone_number",
    "call.postd",
    "call.result",
    "call.state",
    "deployment.callback_format",
    "deployment.caller_id",
    "deployment.on_unknown",
    "trunk.kind",
}
_NOT_SHOWN = {
    "do_not_call.evidence",
    "do_not_call.origin",
    "do_not_call.source",
    "account.name",
    "application_recording.name",
    "audit_log.changes",
    "call.collected",
    "call.country",
    "call.dialog",
    "call.number_kind",
    "call_trace.media",
    "callback.host",
    "callback_key.secret",
    "dialer.dials",
    "dialer.latencies",
    "dialer.name",
    "idempotency_key.key",
    "idempotency_key.rejected",
    "message.name",
    "message_file.name",
    "message_version.reads",
    "message_version.steps",
    "trunk.settings",
}


async def test_no_text_of_the_database_is_markup_on_a_page(app: FastAPI, pool: Pool, database_url: str) -> None:
    seeded = await seed(pool)
    paths = await fill(pool, seeded)
    call = NewCall(parse_destination("+16175551234"), result_url="http://192.0.2.1/", variables={"a": "b"})
    canceled = await submit(pool, seeded.deployment_id, call)
    await cancel_pending(pool, seeded.deployment_id, user_id=seeded.user_id, origin="test")
    await settle_canceled(pool)
    waiting = await submit(pool, seeded.deployment_id, call)
    await record(pool, "a", "b", account_id=seeded.account_id, user_id=seeded.user_id, origin="c")
    browser = await visit(app, pool, owner_of(seeded))
    columns, guarded = _spoil(database_url)
    assert guarded == _GUARDED

    shown: set[str] = set()
    for path, method in sorted(console_routes(app)):
        if method == "GET" and not path.endswith("/live"):
            for call_id in (canceled, waiting):
                page = await browser.get(path.format(**{**paths, "call_id": call_id}))
                assert page.status_code in (200, 303), path
                if page.headers.get("content-disposition", "").startswith("attachment"):
                    # A file to take home, which no browser shows as a page (V3.2.1).
                    assert page.headers["content-type"].startswith("text/csv"), path
                    assert page.headers["x-content-type-options"] == "nosniff"
                    continue
                assert "<canary" not in page.text.lower(), path
                shown |= set(re.findall(r"(\w+\.\w+):<canary onload='a\(\)' ", html.unescape(page.text.lower())))
    assert columns - guarded - _NOT_SHOWN <= shown, "a new text that no page shows has to be named above"


def _spoil(database_url: str) -> tuple[set[str], set[str]]:
    """Write the column's name and the markup into every column; returns all columns, and those that refused it."""
    refused: set[str] = set()
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Without the triggers that keep what is over from changing.
        connection.execute("SET session_replication_role = replica")
        columns = connection.execute(_COLUMNS).fetchall()
        for table, column, is_json in columns:
            name = f"{table}.{column}"
            text = sql.Literal(f"{name}:{_MARKUP}")
            # With the row's place, for what has to be unique.
            value = sql.SQL("{} || ' @' || ctid::text").format(text)
            if is_json:
                value = sql.SQL("jsonb_build_object({text}, {text})").format(text=text)
            if name == "list.results":
                value = sql.SQL("jsonb_build_object({}, 1)").format(text)
            if name == "call.events":
                value = sql.SQL('jsonb_build_array({} || \'{{"event": "queued", "timestamp": 1}}\')').format(value)
            if name == "callback.deliveries":
                value = sql.SQL("jsonb_build_array(event({text}, now(), jsonb_build_object('error', {text})))").format(
                    text=text
                )
            update = sql.SQL("UPDATE {} SET {} = {}")
            try:
                connection.execute(update.format(sql.Identifier(table), sql.Identifier(column), value))
            except psycopg.errors.CheckViolation:
                refused.add(name)
    return {f"{table}.{column}" for table, column, _ in columns}, refused


@pytest.mark.parametrize("place", ["query", "form"])
async def test_what_was_sent_comes_back_as_text(app: FastAPI, pool: Pool, place: str) -> None:
    """Every field of every page and form, refused and shown again or kept."""
    seeded = await seed(pool)
    paths = await fill(pool, seeded)
    browser = await visit(app, pool, owner_of(seeded))
    fields = await _fields(app, browser, paths)
    assert {"name", "email", "phone_number", "number", "caller_id"} <= fields
    spoiled = {**dict.fromkeys(fields | {"next", "before", "status"}, _MARKUP)}
    spoiled |= {"form_token": browser.session.form_token}
    came_back = 0
    for path, method in sorted(console_routes(app)):
        if path.endswith(("/live", "/sign-out", "/delete", "/password", "/deactivate")):
            continue
        address = path.format(**paths)
        if place == "query" and method == "GET":
            answer = await browser.client.get(address, params=spoiled)
        elif place == "form" and method == "POST":
            answer = await browser.post(address, **spoiled)
        else:
            continue
        assert answer.status_code < 500, path
        assert "<canary" not in answer.text, path
        came_back += "&lt;canary" in answer.text
    assert came_back


async def _fields(app: FastAPI, browser: Visit, paths: dict[str, str]) -> set[str]:
    """The names of all fields of all forms."""
    names: set[str] = set()
    for path, method in console_routes(app):
        if method == "GET" and not path.endswith("/live"):
            page = await browser.get(path.format(**paths))
            names |= set(re.findall(r"<(?:input|select|textarea)[^>]* name=\"([^\"]+)\"", page.text))
    return names
