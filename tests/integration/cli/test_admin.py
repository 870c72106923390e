"""`calloff admin`: every command, as a script uses it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json

from calloff.cli import app
from tests.support.serving import environment

Run = Callable[..., Any]


@pytest.fixture
def admin(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `calloff admin ... --json` in this process; returns what it prints, or its exit code and error."""
    for name, value in environment(database_url=database_url, data_dir=str(tmp_path)).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit) as ended:
            app(["admin", *arguments, "--json"])
        printed = capsys.readouterr()
        if ended.value.code:
            assert printed.out == ""
            assert "Traceback" not in printed.err
            return ended.value.code, printed.err.strip()
        assert printed.err == ""
        return json.loads(printed.out)

    return run


def test_everything_is_made_and_unmade(admin: Run) -> None:
    account = admin("account", "add", "Clinic")
    assert account["name"] == "Clinic"
    owner = admin("user", "add", "Owner@example.org", "--account", str(account["id"]), "--administrator")
    other = admin("user", "add", "other@example.org", "--account", str(account["id"]))
    assert (owner["is_administrator"], other["is_administrator"]) == (True, False)
    key = admin("key", "add", "owner@example.org")
    assert key["user_id"] == owner["id"]
    assert len(key["developer_key"]) == 43
    assert [each["id"] for each in admin("key", "list", str(owner["id"]))["keys"]] == [key["id"]]
    assert admin("key", "revoke", str(key["id"]))["revoked_at"] is not None
    application = admin("app", "add", "Reminders", "--owner", "OWNER@example.org")
    trunk = admin("trunk", "add", "sandbox", "--kind", "simulated", "--speed", "20")
    deployment = admin("deployment", "add", "live", "--app", str(application["id"]), "--calls-per-second", "2.5")
    assert (deployment["trunk_id"], deployment["calls_per_second"]) == (trunk["id"], 2.5)
    changed = admin("deployment", "set", str(deployment["id"]), "--calls-per-second", "none", "--name", "night")
    assert (changed["calls_per_second"], changed["name"]) == (None, "night")
    shared = admin("share", str(application["id"]), "other@example.org", "--view", "--cancel")
    assert (shared["may_view"], shared["may_queue"], shared["may_cancel"]) == (True, False, True)
    assert [each["name"] for each in admin("app", "list")["applications"]] == ["Reminders"]
    assert admin("deployment", "rotate-callback-key", str(deployment["id"]))["callback_key"].startswith("whsec_")
    assert admin("callback", "redeliver", str(deployment["id"])) == {"id": deployment["id"], "redelivered": 0}
    assert admin("deployment", "delete", str(deployment["id"])) == {"id": deployment["id"]}
    assert admin("app", "delete", str(application["id"])) == {"id": application["id"]}
    assert admin("deployment", "list")["deployments"][0]["deleted_at"] is not None
    assert admin("user", "deactivate", "other@example.org")["deactivated_at"] is not None
    assert admin("account", "deactivate", str(account["id"]))["deactivated_at"] is not None
    assert admin("user", "reactivate", "other@example.org")["deactivated_at"] is None
    assert admin("account", "reactivate", str(account["id"]))["deactivated_at"] is None
    assert len(admin("user", "list")["users"]) == 2
    assert [each["id"] for each in admin("account", "list")["accounts"]] == [account["id"]]


def test_a_password_of_a_trunk_is_neither_kept_nor_shown(
    admin: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = admin("trunk", "add", "carrier", "--kind", "sip", "--uri", "sip:127.0.0.1", "--password", "hush")
    assert added["settings"] == {"uri": "sip:127.0.0.1", "password_encrypted": "***"}
    with psycopg.connect(database_url) as connection:
        [kept] = connection.execute("SELECT settings::text FROM trunk").fetchone() or [""]
    assert "hush" not in kept
    changed = admin("trunk", "set", str(added["id"]), "--srtp", "--codecs", "pcma, pcmu", "--max-concurrent-calls", "9")
    assert changed["settings"] == {
        "uri": "sip:127.0.0.1",
        "srtp": True,
        "codecs": ["pcma", "pcmu"],
        "password_encrypted": "***",
    }
    changed = admin("trunk", "set", str(added["id"]), "--password-env", "CARRIER", "--codecs", "none")
    assert changed["settings"] == {"uri": "sip:127.0.0.1", "srtp": True, "password_env": "CARRIER"}
    assert changed["max_concurrent_calls"] == 9


def test_what_was_given_up_is_listed_and_sent_again(
    admin: Run, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host, error = "a-host-with-a-long-name.example.org:8443", "its certificate is not valid for the host"
    account = str(admin("account", "add", "Clinic")["id"])
    admin("user", "add", "owner@example.org", "--account", account)
    application = str(admin("app", "add", "Reminders", "--owner", "owner@example.org")["id"])
    admin("trunk", "add", "sandbox", "--kind", "simulated")
    made, other = (admin("deployment", "add", name, "--app", application)["id"] for name in ("a", "b"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO callback (call_id, deployment_id, host, attempts, delivered_at, gave_up_at, deliveries) "
            "VALUES (1, %(made)s, %(host)s, 1, now(), NULL, '[]'), "
            "(2, %(made)s, %(host)s, 10, NULL, now(), %(failed)s), "
            "(3, %(other)s, %(host)s, 10, NULL, now(), %(failed)s)",
            {"host": host, "failed": Json([{"event": "failed", "error": error}]), "made": made, "other": other},
        )
    listed = admin("callback", "list", str(made))["callbacks"]
    assert [(each["call_id"], each["attempts"], each["last_error"]) for each in listed] == [
        (2, 10, error),
        (1, 1, None),
    ]
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        app(["admin", "callback", "list", str(made), "--undelivered"])
    head, row = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "call id"
    assert host in row
    assert error in row

    def waiting() -> list[tuple[int]]:
        with psycopg.connect(database_url) as connection:
            query = "SELECT call_id FROM callback WHERE delivered_at IS NULL AND gave_up_at IS NULL ORDER BY 1"
            return connection.execute(query).fetchall()

    assert admin("callback", "redeliver", str(made)) == {"id": made, "redelivered": 1}
    assert waiting() == [(2,)]
    assert admin("callback", "redeliver", str(made), "--call", "1") == {"id": made, "redelivered": 1}
    assert waiting() == [(1,), (2,)]
    code, said = admin("callback", "redeliver", str(made), "--call", "3")
    assert (code, said) == (1, f"Call 3 of deployment {made} has no callback. Look at `callback list`.")


def test_what_is_wrong_is_said_in_one_sentence_or_two(admin: Run) -> None:
    for arguments, hint in (
        (["account", "deactivate", "7"], "No account"),
        (["account", "reactivate", "7"], "No account"),
        (["user", "add", "nobody", "--account", "1"], "No account"),
        (["user", "deactivate", "nobody@example.org"], "No such user"),
        (["user", "reactivate", "nobody@example.org"], "No such user"),
        (["key", "add", "1"], "No such user"),
        (["app", "delete", "7"], "No application"),
        (["deployment", "set", "7", "--name", "x"], "No deployment"),
        (["deployment", "add", "x", "--app", "7"], "trunk"),
        (["deployment", "set", "7", "--calls-per-second", "many"], "--calls-per-second"),
        (["trunk", "add", "x", "--kind", "sip"], "address is missing"),
        (["trunk", "add", "x", "--kind", "simulated", "--speed", "0"], "--speed"),
        (["trunk", "add", "x", "--kind", "simulated", "--uri", "sip:a"], "no setting uri"),
    ):
        code, error = admin(*arguments)
        assert code == 1
        assert hint in error
        assert len(error.splitlines()) == 1
    for arguments in (["share", "1", "1"], ["deployment", "set", "1"], ["trunk", "add", "x", "--kind", "pigeon"]):
        assert admin(*arguments)[0] == 2


def test_without_a_database_it_says_what_to_do(admin: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLOFF_DATABASE_URL")
    code, error = admin("account", "list")
    assert code == 1
    assert "calloff serve" in error
