"""Connections that say nothing stop no cancel, whatever limits the system sets (security.md row 12)."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conformance.tls_far_end import make_ca, make_certificate
from tests.support.serving import Served, serving

SILENT = 1100
USUAL_DESCRIPTORS = 1024


@contextmanager
def silent(port: int) -> Iterator[list[socket.socket]]:
    """That many connections which nobody says anything on."""
    with contextlib.ExitStack() as open_ones:
        yield [open_ones.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(SILENT)]


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_silent_connections_beyond_the_usual_limit_stop_no_cancel(tls: bool, data_dir: Path, tmp_path: Path) -> None:
    options, trusting = _certified(tmp_path) if tls else ([], None)
    with serving(data_dir, *options, descriptors=USUAL_DESCRIPTORS) as served, silent(served.port):
        for _ in range(3):
            assert _cancel(served, trusting) == 202


def _cancel(served: Served, trusting: ssl.SSLContext | None) -> int:
    verify: ssl.SSLContext | bool = trusting if trusting is not None else True
    auth = (served.email, served.key)
    with httpx.Client(base_url=served.url, verify=verify, trust_env=False, auth=auth, timeout=8) as client:
        return client.delete("/api/apps/1/1/cancel").status_code


def _certified(directory: Path) -> tuple[list[str], ssl.SSLContext]:
    authority = make_ca(directory, "authority")
    both = make_certificate(directory, authority, "IP:127.0.0.1")
    options = ["--tls-certificate", str(both), "--tls-key", str(both)]
    return options, ssl.create_default_context(cafile=str(authority))
