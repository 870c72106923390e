"""Pages of named origins may ask the API from a browser, and no others."""

import httpx

from calloff.api.app import create_app
from calloff.db.pool import Pool
from tests.support.seed import seed

PAGE = "https://crm.example.com"


async def test_pages_of_named_origins(pool: Pool, database_url: str) -> None:
    made = await seed(pool)
    path = f"/api/apps/{made.application_id}/{made.deployment_id}/cancel"
    wish = {"access-control-request-method": "DELETE", "access-control-request-headers": "authorization"}
    transport = httpx.ASGITransport(create_app(pool, database_url, origins={PAGE}))
    async with httpx.AsyncClient(transport=transport, base_url="http://calloff.test") as client:
        asked = await client.options(path, headers={"origin": PAGE, **wish})
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == PAGE
        assert "DELETE" in asked.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in asked.headers
        refused = await client.delete(path, headers={"origin": PAGE})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
        auth = (made.email, made.developer_key)
        answer = await client.delete(path, headers={"origin": PAGE}, auth=auth)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (202, PAGE)
        for origin in ("https://evil.example", f"{PAGE}.evil.example", "null"):
            asked = await client.options(path, headers={"origin": origin, **wish})
            assert asked.status_code == 405
            assert "access-control-allow-origin" not in asked.headers
