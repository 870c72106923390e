"""What only the operator, the first account of a server, may do: limits of accounts, and trunks (security.md, 27)."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from calloff.db.pool import Pool
from calloff.trunks.sip_settings import SipTrunkSettings
from calloff.wiring.trunk_settings import open_settings
from tests.integration.console.conftest import Visit, owner_of, visit
from tests.support.sealing import BOX
from tests.support.seed import seed


async def _row(pool: Pool, statement: Any, *parameters: object) -> dict[str, Any]:
    async with pool.connection() as connection:
        row = await (await connection.execute(statement, parameters)).fetchone()
    assert row is not None
    return row


async def _audit(browser: Visit) -> str:
    """The page's cells, without what they say to a phone."""
    return re.sub(r' data-name="[^"]*"', "", (await browser.get("/console/audit")).text)


_ACCOUNT = (
    "SELECT max_concurrent_calls, calls_per_second, deactivated_at IS NOT NULL AS is_out FROM account WHERE id = %s"
)
_PAUSED = """
SELECT bool_and(q.paused_at IS NOT NULL) AS value FROM queue AS q
JOIN deployment AS d ON d.id = q.deployment_id JOIN application AS a ON a.id = d.application_id
WHERE a.account_id = %s
"""


async def test_the_operator_limits_and_stops_every_account(app: FastAPI, pool: Pool) -> None:
    operator, tenant = await seed(pool), await seed(pool)
    browser = await visit(app, pool, owner_of(operator))
    there = f"/console/limits/{tenant.account_id}"
    assert tenant.email in (await browser.get("/console/limits")).text
    answer = await browser.post(there, max_concurrent_calls="7", calls_per_second="0.5")
    assert answer.headers["location"] == there
    assert await _row(pool, _ACCOUNT, tenant.account_id) == {
        "max_concurrent_calls": 7,
        "calls_per_second": 0.5,
        "is_out": False,
    }
    refused = await browser.post(there, max_concurrent_calls="8", calls_per_second="0.0001")
    assert refused.status_code == 400
    assert 'value="8"' in refused.text
    assert 'id="calls_per_second-error"' in refused.text
    assert (await _row(pool, _ACCOUNT, tenant.account_id))["max_concurrent_calls"] == 7
    await browser.post(there, max_concurrent_calls="", calls_per_second="")
    assert (await _row(pool, _ACCOUNT, tenant.account_id))["max_concurrent_calls"] is None
    await browser.post(f"{there}/pause")
    assert (await _row(pool, _PAUSED, tenant.account_id))["value"]
    assert not (await _row(pool, _PAUSED, operator.account_id))["value"]
    tenants_own = await visit(app, pool, owner_of(tenant))
    audit = await _audit(tenants_own)
    for change in ("Limit an account", "Pause every deployment"):
        assert f"<td>the operator</td><td>{change}</td><td>account {tenant.account_id}</td>" in audit
        assert f"<td>{operator.email}</td><td>{change}</td>" in await _audit(browser)
    await browser.post(f"{there}/deactivate")
    assert (await _row(pool, _ACCOUNT, tenant.account_id))["is_out"]
    assert (await tenants_own.get("/console/apps")).status_code == 303
    await browser.post(f"{there}/reactivate")
    assert not (await _row(pool, _ACCOUNT, tenant.account_id))["is_out"]
    assert (await tenants_own.get("/console/apps")).status_code == 200
    assert (await _row(pool, _PAUSED, tenant.account_id))["value"]
    assert (await browser.post(f"/console/limits/{operator.account_id}/deactivate")).status_code == 409
    assert not (await _row(pool, _ACCOUNT, operator.account_id))["is_out"]
    assert (await browser.get("/console/limits/12345")).status_code == 404


async def test_a_tenant_sees_its_limits_and_can_only_stop(app: FastAPI, pool: Pool) -> None:
    operator, tenant = await seed(pool), await seed(pool)
    browser = await visit(app, pool, owner_of(tenant))
    page = (await browser.get("/console/limits")).text
    assert "The operator sets them" in page
    assert operator.email not in page
    here = f"/console/limits/{tenant.account_id}"
    assert (await browser.post(here, max_concurrent_calls="9999")).status_code == 403
    for change in ("deactivate", "reactivate"):
        assert (await browser.post(f"{here}/{change}")).status_code == 403
    assert (await _row(pool, _ACCOUNT, tenant.account_id))["max_concurrent_calls"] is None
    for path in ("", "/pause", "/deactivate", "/reactivate"):
        assert (await browser.post(f"/console/limits/{operator.account_id}{path}")).status_code == 404
    assert (await browser.post(f"{here}/pause")).status_code == 303
    assert (await _row(pool, _PAUSED, tenant.account_id))["value"]
    assert not (await _row(pool, _PAUSED, operator.account_id))["value"]


async def test_a_password_goes_in_and_never_comes_out(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    sip = {"name": "carrier", "uri": "sip:carrier.example;transport=tls", "user": "calls"}

    async def settings() -> Any:
        return (await _row(pool, "SELECT settings AS value FROM trunk WHERE name = 'carrier'"))["value"]

    answer = await browser.post("/console/trunks/new/sip", **sip, password="hush hush", codecs="pcma", srtp="true")
    here = answer.headers["location"]
    kept = await settings()
    assert open_settings("sip", kept, BOX) == SipTrunkSettings(
        uri=sip["uri"], user="calls", password="hush hush", codecs=("pcma",), srtp=True
    )
    await browser.post(here, **sip, max_concurrent_calls="30")
    assert (await settings())["password_encrypted"] == kept["password_encrypted"]
    assert (await settings())["srtp"] is False
    await browser.post(here, **sip, password="a second one")
    assert BOX.decrypt((await settings())["password_encrypted"]) == "a second one"
    both = await browser.post(here, **sip, password="a third one", password_env="CARRIER")
    assert both.status_code == 400
    assert 'id="password-error"' in both.text
    for page in ((await browser.get(here)).text, both.text, (await browser.get("/console/trunks")).text):
        for secret in ("hush hush", "a second one", "a third one", (await settings())["password_encrypted"]):
            assert secret not in page
    await browser.post(here, **sip, password_env="CARRIER")
    assert (await settings())["password_env"] == "CARRIER"
    assert "password_encrypted" not in await settings()
    await browser.post(here, **sip)
    assert "password_env" not in await settings()
    await browser.post(here, **sip, password="the last one")
    await browser.post(here, **sip, no_password="1")
    assert "password_encrypted" not in await settings()
    audit = (await browser.get("/console/audit")).text
    assert audit.count("<td>Change a trunk</td>") == 6
    assert "<td>Add a trunk</td>" in audit
    assert "hush" not in audit


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("sip", "name", ""),
        ("sip", "name", "simulated"),
        ("sip", "uri", ""),
        ("sip", "uri", "http://carrier.example"),
        ("sip", "uri", "sip:carrier.example\r\nTo: <sip:x>"),
        ("sip", "user", "a;b"),
        ("sip", "auth_user", "<a>"),
        ("sip", "password", 'a"b'),
        ("sip", "caller_id_header", "subject"),
        ("sip", "codecs", "g729"),
        ("sip", "session_timeout", "-1"),
        ("simulated", "speed", "0"),
        ("simulated", "speed", "fast"),
        ("simulated", "max_concurrent_calls", "0"),
        ("simulated", "calls_per_second", "1e9"),
    ],
)
async def test_a_wrong_setting_is_refused_beside_its_field(
    app: FastAPI, pool: Pool, kind: str, field: str, value: str
) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    right = {"name": "carrier", "uri": "sip:carrier.example"}
    answer = await browser.post(f"/console/trunks/new/{kind}", **{**right, field: value})
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text
    assert (await _row(pool, "SELECT count(*) AS value FROM trunk"))["value"] == 1
    assert "Add a trunk" not in (await browser.get("/console/audit")).text
