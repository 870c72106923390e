"""Calloff answers HTTPS itself, and nothing else where it does (security.md row 1)."""

import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.conformance.tls_far_end import make_ca, make_certificate
from tests.support.serving import command, environment, serving


def test_with_a_certificate_it_speaks_tls_and_nothing_else(data_dir: Path, tmp_path: Path) -> None:
    authority = make_ca(tmp_path, "authority")
    both = make_certificate(tmp_path, authority, "IP:127.0.0.1")
    options = ["--require-tls", "--tls-certificate", str(both), "--tls-key", str(both)]
    with serving(data_dir, *options) as served:
        assert served.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(authority))
        auth = (served.email, served.key)
        with httpx.Client(verify=trusting, trust_env=False, auth=auth, base_url=served.url) as client:
            assert client.delete("/api/apps/1/1/cancel").status_code == 202
        with pytest.raises(httpx.TransportError), httpx.Client(trust_env=False, follow_redirects=False) as client:
            client.get(served.url.replace("https:", "http:") + "/healthz")
        old = ssl.create_default_context(cafile=str(authority))
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(httpx.TransportError), httpx.Client(verify=old, trust_env=False) as client:
            client.get(f"{served.url}/healthz")


@pytest.mark.parametrize("options", [["--require-tls"], ["--tls-key", "/nowhere"]])
def test_half_a_configuration_is_refused(options: list[str], data_dir: Path) -> None:
    settings = environment(data_dir=str(data_dir), port="0")
    refused = subprocess.run(command("serve", *options), env=settings, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "--tls-certificate" in refused.stderr
