"""What the operator says about calls on the command line: trunks are tested, applications uploaded."""

import re
from pathlib import Path

from tests.acceptance.service import Service


def test_a_test_call_prints_each_event_as_it_comes(service: Service) -> None:
    busy = service.served.run("admin", "trunk", "test", "simulated", "6175550001")
    assert busy.returncode == 1
    assert [line.split(" ", 1)[1] for line in busy.stdout.splitlines()] == [
        "dialed",
        "ended: busy, SIP 486 (refused by the far end)",
    ]
    answered = service.served.run("admin", "trunk", "test", "simulated", "+1 617 555 1234")
    assert answered.returncode == 0, answered.stderr
    assert re.findall(r" (\w+)", answered.stdout)[:3] == ["dialed", "ringing", "connected"]
    unknown = service.served.run("admin", "trunk", "test", "nowhere", "6175551234")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "calloff admin trunk list" in unknown.stderr


def test_an_application_is_checked_when_it_is_uploaded(service: Service, tmp_path: Path) -> None:
    document = tmp_path / "application.vxml"
    document.write_text('<vxml version="2.1">\n<form><block><transfer dest="tel:1"/></block></form></vxml>')
    refused = service.served.run("admin", "message", "put", "greeting", str(document), "--deployment", "1")
    assert refused.returncode == 1
    assert "transfer" in refused.stderr
    assert "2" in refused.stderr
    document.write_text('<vxml version="2.1"><form><block><exit/></block></form></vxml>')
    assert service.served.run("admin", "message", "put", "greeting", str(document), "--deployment", "1").returncode == 0
