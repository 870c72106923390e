"""The settings: one list, three sources, and no secret shown."""

import json
import subprocess
from pathlib import Path

import pytest

from calloff.cli import app
from calloff.config import Settings, envvar, misspelled, option, settings_of, shown
from calloff.domain.errors import NotConfigured
from calloff.wiring.credentials import Credentials, write_credentials
from tests.support.serving import command, environment


def test_config_tells_where_each_value_came_from() -> None:
    result = subprocess.run(
        command("config", "--port", "8080", "--json"),
        env={**environment(dialers="3", key="hush"), "XDG_DATA_HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(result.stdout)
    assert found["CALLOFF_PORT"] == {"value": "8080", "source": "option"}
    assert found["CALLOFF_DIALERS"] == {"value": "3", "source": "environment"}
    assert found["CALLOFF_HOST"] == {"value": "127.0.0.1", "source": "default"}
    assert found["CALLOFF_DATA_DIR"] == {"value": "/nowhere/calloff", "source": "default"}
    assert found["CALLOFF_KEY"] == {"value": "***", "source": "environment"}
    assert set(found) == {envvar(setting) for setting in settings_of()}


def test_config_tells_what_the_credentials_file_sets(tmp_path: Path) -> None:
    write_credentials(tmp_path, Credentials("http://127.0.0.1:8080", "me@example.org", "hush"))

    def found(**settings: str) -> dict[str, dict[str, str]]:
        environ = environment(data_dir=str(tmp_path), **settings)
        result = subprocess.run(command("config", "--json"), env=environ, capture_output=True, text=True, check=True)
        assert "hush" not in result.stdout
        values: dict[str, dict[str, str]] = json.loads(result.stdout)
        return values

    kept = found()
    assert kept["CALLOFF_URL"] == {"value": "http://127.0.0.1:8080", "source": "credentials.env"}
    assert kept["CALLOFF_EMAIL"] == {"value": "me@example.org", "source": "credentials.env"}
    assert kept["CALLOFF_KEY"] == {"value": "***", "source": "credentials.env"}
    assert found(url="http://elsewhere")["CALLOFF_KEY"] == {"value": "", "source": "default"}


def test_a_child_process_gets_the_same_settings() -> None:
    settings = Settings(data_dir=Path("/data"), database_url="postgresql://h/d", dialers=2)
    given = settings.environment()
    assert given["CALLOFF_DATA_DIR"] == "/data"
    assert given["CALLOFF_DIALERS"] == "2"
    assert "CALLOFF_SIP_ADDRESS" not in given


@pytest.mark.parametrize(
    ("url", "shows"),
    [
        ("postgresql://me:hush@db:5432/calls", "postgresql://me:***@db:5432/calls"),
        ("postgresql://db/calls?password=hush&user=me", "postgresql://db/calls?password=***&user=me"),
        ("host=db password='hu sh' user=me", "host=db password=*** user=me"),
        ("postgresql://me@db/calls", "postgresql://me@db/calls"),
        ("postgresql://me:h@ush@db/calls", "postgresql://me:***@db/calls"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shows: str) -> None:
    [setting] = [each for each in settings_of() if each.name == "database_url"]
    assert option(setting) == "--database-url"
    assert shown(setting, url) == shows


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 65536},
        {"dialers": -1},
        {"ports": 0},
        {"log_level": "loud"},
        {"rtp_ports": "20000"},
        {"rtp_ports": "20000-10000"},
        {"allow_networks": "10.0.0.1/8"},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NotConfigured):
        Settings(**wrong)  # type: ignore[arg-type]


def test_a_retention_shorter_than_results_are_tried_for_is_refused_and_says_why() -> None:
    for days in (-1, 1, 2, 3):
        with pytest.raises(NotConfigured, match="0, or 4 days or more: results are tried for three days"):
            Settings(retention_days=days)
    for days in (0, 4):
        assert Settings(retention_days=days).retention_days == days


def test_a_variable_that_is_nearly_one_is_pointed_out() -> None:
    given = ["CALLOFF_DATABASE_URI", "CALLOFF_RETENTION_DAY", "CALLOFF_PORT", "CALLOFF_CARRIER_PASSWORD", "PATH"]
    assert misspelled(given) == {
        "CALLOFF_DATABASE_URI": "CALLOFF_DATABASE_URL",
        "CALLOFF_RETENTION_DAY": "CALLOFF_RETENTION_DAYS",
    }


def test_every_command_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CALLOFF_DATABASE_URI", "postgresql://db.example/calloff")
    with pytest.raises(SystemExit):
        app(["config"])
    assert "Is it CALLOFF_DATABASE_URL that was meant?" in capsys.readouterr().err
