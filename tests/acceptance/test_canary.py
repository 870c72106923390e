"""A canary number, sent in every place and followed by line breaks, is searched for in every log (rows 24 and 25).

The logs are those of a whole `calloff serve` at its most talkative, and of its PostgreSQL, with a crash of each part.
"""

import os
import re
import signal
import threading
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest

from calloff.db.embedded import EmbeddedServer
from tests.acceptance.test_serve import _alive, _until
from tests.support.log_capture import FORGED, LINE
from tests.support.serving import Served, serving

CANARY = "6175550142"
WRONG_KEY = "wrong-canary-key-0123456789012345678901234567"
BREAK = f"\r\n{FORGED}\n{FORGED}\u2028{FORGED}\x85{FORGED}\x1b[2J"
FIELDS = ("start_timestamp", "end_timestamp", "max_attempts", "reattempt_wait", "result_url", "is_pci", "variables")


def test_no_log_holds_a_number_or_a_line_of_somebody_elses(data_dir: Path) -> None:
    with serving(data_dir, env={"CALLOFF_LOG_LEVEL": "debug"}) as served:
        with served.client() as client:
            _send_everywhere(served, client)
            call = {"phone_number": f"+1{CANARY};ani=1{CANARY}", "result_url": f"http://127.0.0.1:9/{CANARY}?{CANARY}"}
            call_id = client.post("/api/apps/1/1/queue", data=call).json()["call_id"]
            _until(lambda: _details(client, call_id)["status"] == "completed")
            _until(lambda: f"callback of call {call_id} failed" in served.log.read_text(errors="replace"))
            _crash_each_part(served, client)
        served.run("call", f"+1{CANARY}{BREAK}")
        served.run("call", f"+1{CANARY}")
        assert served.stop() == 0
        _assert_clean(served)


def _send_everywhere(served: Served, client: httpx.Client) -> None:
    canary = f"+1{CANARY}{BREAK}"
    queue, bulk = "/api/apps/1/1/queue", "/api/apps/1/1/bulk_queue"
    for body in (
        {"phone_number": canary},
        {"phone_number": f"1{CANARY};ani={canary}"},
        {"phone_number": f"1{CANARY};{canary}={canary}"},
        {canary: canary},
        *({"phone_number": CANARY, name: canary} for name in FIELDS),
    ):
        assert client.post(queue, data=body).status_code in (200, 400)
        assert client.post(queue, json=body).status_code in (200, 400)
        assert client.post(bulk, data=body, files={"csv": ("x", f"{CANARY}\n")}).status_code in (200, 400)
    later = {"phone_number": CANARY, "start_timestamp": "4000000000", "variables": f'{{"a": "{CANARY}"}}'}
    assert client.post(queue, data=later, headers={"idempotency-key": CANARY}).status_code == 200
    assert client.post(
        bulk, files={"csv": (canary, f"destination,a\r\n+1{CANARY},b\r\n{CANARY}x,{CANARY}\r\n")}
    ).is_success
    for content in (canary.encode(), b"\xff" + canary.encode(), b""):
        for kind in ("application/json", "multipart/form-data; boundary=x", f"x/{CANARY}"):
            assert client.post(queue, content=content, headers={"content-type": kind}).status_code in (400, 415)
    for path in (
        f"/api/outbound/+1{CANARY}",
        f"/api/apps/{CANARY}/1/cancel",
        f"/{quote(canary)}",
    ):
        assert client.get(path).status_code in (404, 405)
    assert client.get("/api/apps/1/1/calls", params={"status": canary, "before": canary}).status_code == 400
    headers = {"user-agent": CANARY, "accept": CANARY, "x-forwarded-for": CANARY, "referer": CANARY, "cookie": CANARY}
    assert client.get("/api/apps/1/1/calls", headers=headers).status_code == 200
    assert client.get("/api/outbound/1", auth=(canary, WRONG_KEY)).status_code == 401
    assert client.get("/api/outbound/1", auth=(served.email, WRONG_KEY)).status_code == 401
    _sign_in_and_send(served, client, canary)


def _sign_in_and_send(served: Served, client: httpx.Client, canary: str) -> None:
    password = _printed(served)
    origin, chosen = {"origin": served.url}, "a-canary-password-of-ours"
    wrong = {"email": canary, "password": canary, "next": canary}
    assert client.post("/console/sign-in", data=wrong, headers=origin).status_code == 401
    form = {"email": served.email, "password": password}
    assert client.post("/console/sign-in", data=form, headers=origin).status_code == 303

    def token() -> str:
        return str(re.findall(r'name="form_token" value="(\w+)"', client.get("/console/password").text)[0])

    change = {"current": password, "password": chosen, "again": chosen, "form_token": token()}
    assert client.post("/console/password", data=change, headers=origin).status_code == 303
    here, form_token = "/console/apps/1/1", {"form_token": token()}
    for path in ("/console/apps", "/console/users", f"{here}/queue", f"{here}/settings", "/console/apps/1/share"):
        names = ("name", "email", "phone_number", "start", "end", "max_attempts", "caller_id", "ring_timeout")
        sent = {**dict.fromkeys(names, canary), **form_token}
        assert client.post(path, data=sent, headers=origin).status_code in (303, 400)
    assert client.get(f"{here}/calls", params={"number": f"+1{CANARY}"}).status_code == 200
    headers = {**origin, "x-form-token": form_token["form_token"]}
    for action in ("upload/preview", "upload"):
        content = f"destination,{CANARY}\n+1{CANARY},{canary}\n{canary},x\n"
        assert client.post(f"{here}/{action}", content=content.encode(), headers=headers).status_code in (200, 400)
    assert client.post("/console/keys", data=form_token, headers=origin).status_code == 200


def _printed(served: Served) -> str:
    [password] = re.findall(r"password +([0-9a-f]{26}) ", served.output.read_text())
    return str(password)


def _crash_each_part(served: Served, client: httpx.Client) -> None:
    """A backend in the middle of a statement that quotes the number, then an API, a dialer and the callbacks."""
    conninfo = EmbeddedServer(served.data_dir).conninfo
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for hostile in (
            # Whose very message quotes it, without any detail.
            f"SELECT '{CANARY}x'::bigint",
            f"INSERT INTO call (deployment_id, epoch, phone_number) VALUES (1, 0, '{CANARY}x')",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(hostile.encode())
        with pytest.raises(psycopg.Error):
            connection.execute(
                "INSERT INTO call (deployment_id, epoch, phone_number) VALUES (1, 0, %s)", [f"{CANARY}x"]
            )
        copying = "COPY call (deployment_id, epoch, phone_number) FROM STDIN"
        with pytest.raises(psycopg.Error), connection.cursor().copy(copying) as copy:
            copy.write(f"1\t0\t{CANARY}x\n")
        backend = connection.info.backend_pid
        sleeping = threading.Thread(target=_sleep_until_killed, args=[connection])
        sleeping.start()
        asking = "SELECT state = 'active' FROM pg_stat_activity WHERE pid = %s"
        with psycopg.connect(conninfo, autocommit=True) as other:
            _until(lambda: other.execute(asking, [backend]).fetchone() == (True,))
        os.kill(backend, signal.SIGKILL)
        sleeping.join()
    for name in ("api", "dialer", "webhooks"):
        [pid] = served.children()[name]
        os.kill(pid, signal.SIGABRT)
        _until(lambda: not _alive(pid))  # noqa: B023
    _until(lambda: client.get("/readyz").status_code == 200)


def _sleep_until_killed(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute(f"SELECT pg_sleep(60), '{CANARY}'".encode())


def _assert_clean(served: Served) -> None:
    log, postgres = (path.read_text(errors="replace") for path in (served.log, served.data_dir / "postgres.log"))
    assert "was terminated by signal 9" in postgres
    assert log.count("SIGABRT") + log.count("signal 6") >= 3
    secrets = (served.key, WRONG_KEY, _printed(served), "a-canary-password-of-ours", "Authorization", "Basic ")
    for name, text in {"serve": log, "postgres": postgres}.items():
        squeezed = re.sub(r"[ .()-]", "", text)
        assert CANARY not in squeezed, (name, [line for line in text.splitlines() if CANARY in line][:5])
        for secret in secrets:
            assert secret not in text, (name, secret)
        assert FORGED not in text.splitlines()
    for line in log.splitlines():
        assert LINE.match(line) or line.startswith("  "), line


def _details(client: httpx.Client, call_id: str) -> dict[str, object]:
    details: dict[str, object] = client.get(f"/api/outbound/{call_id}").json()["call_details"]
    return details
