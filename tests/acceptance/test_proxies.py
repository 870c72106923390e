"""Who is behind a proxy: a trusted one is believed, and nobody else (`--trusted-proxies`)."""

import re
import subprocess
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.serving import Served, command, environment, serving

FORWARDED = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("proxies", "origin", "is_secure"),
    [("127.0.0.0/8,::1", "api 198.51.100.7", True), ("10.0.0.5", "api 127.0.0.1", False), ("", "api 127.0.0.1", False)],
)
def test_a_trusted_proxy_says_who_asks_and_how(
    proxies: str, origin: str, is_secure: bool, data_dir: Path, database_url: str
) -> None:
    with serving(data_dir, "--trusted-proxies", proxies, database_url=database_url) as served:
        with served.client() as client:
            assert client.delete("/api/apps/1/1/cancel", headers=FORWARDED).status_code == 202
            assert client.get("/metrics", headers=FORWARDED).status_code == 403
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT origin FROM cancellation").fetchall() == [(origin,)]
        assert ("; secure" in _cookie(served).lower()) == is_secure


def test_what_is_no_network_is_refused(data_dir: Path) -> None:
    settings = environment(data_dir=str(data_dir), port="0", trusted_proxies="everybody")
    refused = subprocess.run(command("serve"), env=settings, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "The trusted proxies must look like 10.0.0.5,fd00::/8." in refused.stderr


def _cookie(served: Served) -> str:
    """What the console gives to the first user, who signs in through the proxy."""
    told = re.search(r"password +(\S+)", served.output.read_text())
    assert told is not None
    form = {"email": served.email, "password": told[1]}
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        answer = client.post("/console/sign-in", data=form, headers={**FORWARDED, "Origin": served.url})
    assert answer.status_code == 303, answer.text
    return answer.headers["set-cookie"]
