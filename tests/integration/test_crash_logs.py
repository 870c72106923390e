"""Whatever part breaks off in the middle of a call, its log shows neither the number nor a key (rows 24 and 25)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI

from calloff.accounts.keys import add_key
from calloff.api.app import create_app
from calloff.calls.submit import submit
from calloff.console.app import mount_console
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.permits import Permit
from calloff.domain.phone import parse_destination
from calloff.trunks.base import Leg
from calloff.trunks.simulated import SimulatedTrunk
from calloff.webhooks import deliver
from tests.integration.console.conftest import client_of, owner_of, visit
from tests.support.callbacks import delivering, over, wait_marked
from tests.support.dialing import TappedTrunk, dialing
from tests.support.log_capture import HOSTILE, LINE, NUMBER, assert_clean, logged
from tests.support.sealing import TRUNK_KINDS
from tests.support.seed import seed
from tests.support.serving import environment


async def _break_off(*_: object, **__: object) -> None:
    raise KeyError(HOSTILE)


@pytest.fixture
def app(pool: Pool, database_url: str) -> FastAPI:
    app = create_app(pool, database_url)
    mount_console(app, pool, database_url, trunk_kinds=TRUNK_KINDS)
    return app


async def test_of_the_api_and_the_console(app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded = await seed(pool)
    key = (await add_key(pool, seeded.user_id)).developer_key
    browser = await visit(app, pool, owner_of(seeded))
    monkeypatch.setattr("calloff.calls.cancel.cancel_pending", _break_off)
    here = f"apps/{seeded.application_id}/{seeded.deployment_id}/cancel"
    with logged() as log:
        async with client_of(app) as client:
            answer = await client.delete(f"/api/{here}", auth=(seeded.email, key))
        page = await browser.post(f"/console/{here}")
        text = log()
    assert answer.status_code == page.status_code == 500
    assert NUMBER not in answer.text + page.text
    assert text.count("unexpected error: KeyError") == 2
    assert_clean(text)


class _BrokenTrunk(TappedTrunk):
    async def dial(self, permit: Permit) -> Leg:
        await SimulatedTrunk.dial(self, permit)
        self.dialed.append((0.0, permit.number))
        async with self.changed:
            self.changed.notify_all()
        raise KeyError(HOSTILE)


async def test_of_a_dialer(pool: Pool, database_url: str, tmp_path: Path) -> None:
    seeded = await seed(pool)
    trunk = _BrokenTrunk()
    with logged() as log:
        async with dialing(pool, database_url, trunk, tmp_path) as drain:
            await submit(pool, seeded.deployment_id, NewCall(parse_destination(f"+{NUMBER}")))
            await trunk.wait_dialed(1)
            await drain()
        text = log()
    assert "a call could not be followed to its end" in text
    assert "KeyError" in text
    assert_clean(text)


async def test_of_the_callbacks(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "post", _break_off)
    with logged() as log:
        deployment_id, _ = await over(pool, f"http://127.0.0.1:9/{NUMBER}")
        async with delivering(pool):
            callback = await wait_marked(pool, deployment_id)
        text = log()
    assert "could not be made: KeyError" in text
    assert NUMBER not in (callback.last_error or "")
    assert_clean(text)


_COMMANDS = {
    "dialer": "calloff.wiring.dialer.run_dialer",
    "admin account list": "calloff.cli.admin.accounts.on_database",
}
_SCRIPT = """
import sys
from unittest import mock
import psycopg
import calloff.wiring.dialer
from calloff.cli import app
from tests.support.log_capture import HOSTILE
with mock.patch(sys.argv[1], side_effect=psycopg.errors.CheckViolation(f"DETAIL:  Failing row contains ({HOSTILE}).")):
    app(sys.argv[2:])
"""


def test_of_a_whole_process_or_command(tmp_path: Path) -> None:
    """A refusal of the database that quotes the row, which nobody caught."""
    root = Path(__file__).parents[2]
    env = {**environment(data_dir=str(tmp_path)), "PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])}
    started = {
        name: subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, target, *name.split()],
            env=env,
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for name, target in _COMMANDS.items()
    }
    for name, process in started.items():
        out, err = (text.decode() for text in process.communicate(timeout=120))
        assert (process.returncode, out) == (1, ""), (name, err)
        assert "CheckViolation" in err, name
        assert_clean(err.replace("This is a fault", "  This is a fault"))


def test_a_process_without_its_database_says_so_in_its_log(tmp_path: Path) -> None:
    """As its supervisor's log is made of such lines: a part that is started while the database goes away."""
    ended = subprocess.run(
        [sys.executable, "-m", "calloff", "webhooks"],
        env=environment(data_dir=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert LINE.match(line), line
    assert "Start one with calloff serve" in line
