"""A receipt that was changed, anywhere, is not genuine; one that was not can be checked without the server."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from calloff.cli import app
from calloff.domain.errors import InvalidInput
from calloff.domain.receipts import CallIds, SigningKey, check_part, read_json, verify

KEY = SigningKey(bytes(range(32)))


def receipt() -> dict[str, Any]:
    ids = CallIds()
    ids.add([1, 2])
    ids.add([10])
    return {
        "receipt_id": "7",
        "scope": {"kind": "deployment", "deployment_id": "1"},
        "canceled_at": "2026-11-26T09:00:00.123456Z",
        "canceled_by": "z\u00fc@example.com",
        "parts": {"called_off": ids.part()},
    }


def key_set(*keys: SigningKey) -> dict[str, Any]:
    return {"keys": [key.public for key in keys]}


def test_a_receipt_is_verified_after_a_trip_through_json_of_any_layout() -> None:
    signed = json.loads(json.dumps(KEY.sign(receipt()), indent=4, sort_keys=True))
    assert verify(signed, key_set(SigningKey.make(), KEY)) == receipt()


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_changed_byte_passes(place: int, change: int) -> None:
    genuine = json.dumps(KEY.sign(receipt())).encode()
    place %= len(genuine)
    changed = genuine[:place] + bytes([genuine[place] ^ change]) + genuine[place + 1 :]
    try:
        found = verify(read_json(changed), key_set(KEY))
    except (InvalidInput, UnicodeDecodeError):
        return
    # White space and the way in which a character is written may change; what is said may not.
    assert found == receipt()


def test_a_key_that_is_not_of_the_server_is_told_from_a_forgery() -> None:
    with pytest.raises(InvalidInput, match="not among these"):
        verify(KEY.sign(receipt()), key_set(SigningKey.make()))
    forged = KEY.sign(receipt())
    forged["receipt"]["parts"]["called_off"]["calls"] = 4
    with pytest.raises(InvalidInput, match="not genuine"):
        verify(forged, key_set(KEY))


@pytest.mark.parametrize("given", [None, [], {}, {"receipt": {}}, {"receipt": {}, "signature": {"kid": 1}}])
def test_what_is_no_receipt_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput, match="no signed receipt"):
        verify(given, key_set(KEY))
    with pytest.raises(InvalidInput):
        read_json('{"receipt": 1, "receipt": 2}')


def test_a_part_is_the_list_whose_hash_sha256sum_tells() -> None:
    lines = [b"1\n", b"2\n", b"10\n"]
    assert receipt()["parts"]["called_off"] == {"calls": 3, "sha256": hashlib.sha256(b"1\n2\n10\n").hexdigest()}
    assert check_part(receipt(), "called_off", lines) == 3
    for wrong in (lines[1:], [*lines, b"11\n"], [b"2\n", b"1\n", b"10\n"]):
        with pytest.raises(InvalidInput, match="not the one"):
            check_part(receipt(), "called_off", wrong)
    with pytest.raises(InvalidInput, match="no part"):
        check_part(receipt(), "in_flight", lines)


def test_the_key_is_named_by_its_thumbprint() -> None:
    public = KEY.public
    canonical = json.dumps({name: public[name] for name in ("crv", "kty", "x")}, separators=(",", ":")).encode()
    assert hashlib.sha256(canonical).digest().hex() == _hex(public["kid"])


def _hex(text: str) -> str:
    import base64

    return base64.urlsafe_b64decode(text + "=").hex()


def test_the_command_line_checks_receipt_and_list(tmp_path: Path) -> None:
    signed, keys, calls = tmp_path / "receipt.json", tmp_path / "keys.json", tmp_path / "calls.txt"
    signed.write_text(json.dumps(KEY.sign(receipt())))
    keys.write_text(json.dumps(key_set(KEY)))
    calls.write_text("1\n2\n10\n")
    asked = ["verify", str(signed), "--keys", str(keys)]
    with_list = [*asked, "--part", "called_off", "--calls", str(calls)]
    assert CliRunner().invoke(app, with_list).stdout == "The receipt is genuine. The list is that of 3 calls.\n"
    calls.write_text("1\n2\n11\n")
    assert isinstance(CliRunner().invoke(app, with_list).exception, InvalidInput)
    signed.write_text(signed.read_text().replace('"calls": 3', '"calls": 4'))
    assert isinstance(CliRunner().invoke(app, asked).exception, InvalidInput)
