"""What arrives at a `result_url` is as the OpenAPI document describes the callback."""

import json
from typing import Any

import jsonschema_rs
import pytest

from calloff.api.openapi import openapi_document
from calloff.db.pool import Pool
from tests.support.callbacks import delivering, over, wait_marked
from tests.support.sink import sink


@pytest.mark.parametrize(
    ("callback_format", "media_type"), [("json", "application/json"), ("form", "application/x-www-form-urlencoded")]
)
async def test_it_arrives_as_described(callback_format: str, media_type: str, pool: Pool) -> None:
    async with sink() as far:
        deployment_id, _ = await over(pool, far.url)
        async with pool.connection() as connection:
            await connection.execute("UPDATE deployment SET callback_format = %s", [callback_format])
        async with delivering(pool):
            await wait_marked(pool, deployment_id)
    [request] = far.requests
    described = _callback()
    assert request.headers["content-type"] == media_type
    for header in described["parameters"]:
        _validate(header["schema"], request.headers[header["name"]])
    body = request.body.decode()
    _validate(
        described["requestBody"]["content"][media_type]["schema"],
        json.loads(body) if media_type == "application/json" else body,
    )
    signing = {name for name in request.headers if name.startswith("webhook-")}
    assert signing == {header["name"] for header in described["parameters"]}


def _callback() -> dict[str, Any]:
    [address] = openapi_document()["components"]["callbacks"]["result"].values()
    described: dict[str, Any] = address["post"]
    return described


def _validate(schema: dict[str, Any], value: Any) -> None:
    jsonschema_rs.validate({**schema, "components": openapi_document()["components"]}, value)
