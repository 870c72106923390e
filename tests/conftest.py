"""The fixtures that every test may use: a fresh database, and a pool on it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from calloff.db.pool import Pool, open_pool
from tests.support.servers import SessionServer, new_database

# A busy machine takes its time; each test has an end of its own.
hypothesis.settings.register_profile("calloff", deadline=None)
hypothesis.settings.load_profile("calloff")

TEST_SECONDS = 300
_SERVER = pytest.StashKey[SessionServer]()
_TEMPORARY = pytest.StashKey[str]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give the session a root of its own for temporary directories.

    The common one is closed to everybody else whenever a session starts, under the servers of the others.
    """
    if not hasattr(config, "workerinput") and config.option.basetemp is None:
        config.option.basetemp = config.stash[_TEMPORARY] = tempfile.mkdtemp(prefix="calloff-tests-")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """No test is without an end: each has a time limit of its own, many times what it takes on a busy machine."""
    if config.pluginmanager.hasplugin("timeout"):
        for item in items:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep temporary directories only if something failed."""
    if _TEMPORARY in session.config.stash and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(session.config.stash[_TEMPORARY])


def _session_server(config: pytest.Config) -> SessionServer:
    """The session's server, started when it is first asked for."""
    if _SERVER not in config.stash:
        server = SessionServer()
        config.add_cleanup(server.stop)
        server.start()
        config.stash[_SERVER] = server
    return config.stash[_SERVER]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist: the controller starts the server and tells each worker its address."""
    node.workerinput["server_url"] = _session_server(node.config).url


@pytest.fixture(scope="session")
def server_url(pytestconfig: pytest.Config) -> str:
    """The session's server, where a test may make databases of its own. Never stop it, and keep out of `postgres`."""
    worker_input: dict[str, str] | None = getattr(pytestconfig, "workerinput", None)
    return _session_server(pytestconfig).url if worker_input is None else worker_input["server_url"]


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """A fresh database with the schema of this version, dropped after the test."""
    with new_database(server_url) as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on the test's own database, of up to eight connections."""
    pool = await open_pool(database_url, min_size=1, max_size=8)
    yield pool
    await pool.close()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory for an embedded server, deleted after the test.

    Not pytest's `tmp_path`: every session of pytest that begins closes the directory above all of them, and then no
    server of another user's, as one under root is, can enter it.
    """
    directory = Path(tempfile.mkdtemp(prefix="calloff-tests-"))
    yield directory
    shutil.rmtree(directory)
