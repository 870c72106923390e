"""A PHP program with cURL, written for the service that Calloff is compatible with."""

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service import Service
from tests.acceptance.tenants import Deployment


def call_details(body: str, accept: str) -> dict[str, Any]:
    """The documented keys that the program reads, as text."""
    if accept == "application/xml":
        element = ElementTree.fromstring(body).find("call_details")
        assert element is not None
        return {child.tag: child.text for child in element}
    found: dict[str, Any] = json.loads(body)["call_details"]
    return found


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_a_customers_program_works_unchanged(service: Service, deployment: Deployment, accept: str) -> None:
    arguments = [service.url, *deployment.owner.auth, str(deployment.application_id), str(deployment.id), accept]
    program = Path(__file__).with_name("customer.php")
    done = subprocess.run(["php", str(program), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answers = {answer["name"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert {name: answer["code"] for name, answer in answers.items()} == {
        "queue as an array": 200,
        "queue as a string": 200,
        "status": 200,
        "cancel": 202,
        "status of the canceled call": 200,
        "queue without a number": 400,
        "cancel with a wrong key": 401,
    }
    answered = call_details(answers["status"]["body"], accept)
    assert (answered["status"], answered["phone_number"], answered["result"]) == (
        "completed",
        "+16175551234",
        "answered",
    )
    assert (answered["max_attempts"], answered["attempts"]) == ("2", "1")
    assert answers["cancel"]["body"] == ""
    assert call_details(answers["status of the canceled call"]["body"], accept)["status"] == "canceled"
    error = answers["queue without a number"]["body"]
    assert "phone_number" in error
    assert error.startswith(
        '<?xml version="1.0"?>\n<result>\n  <error>' if accept == "application/xml" else '{"error": '
    )
