"""What cannot be queued: a clear 400 in the representation that was asked for, and nothing is queued."""

import json
import time
from typing import Any

import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import assert_error
from tests.acceptance.tenants import Deployment

pytestmark = pytest.mark.usefixtures("nothing_queued")

NUMBER = "6175551234"

NOT_NUMBERS = [
    "",
    " ",
    "+",
    "123456",
    "1234567890123456",
    "++16175551234",
    "1617+5551234",
    "617555123a",
    "sip:6175551234@example.com",
    "tel:tel:6175551234",
    "http://6175551234",
    "6175551234\r\nX: y",
    "6175551234\n",
    "6175551234\t",
    "6175551234\x00",
    "6175551234<script>",
    "6175551234@example.com",
    "6175551234;",
    "6175551234;;postd=1",
    "6175551234;phone-context=+1",
    "6175551234;ext=1",
    "6175551234;ani",
    "6175551234;ani=anonymous",
    "6175551234;ani=123456",
    "6175551234;ani=1234567890123456",
    "6175551234;ani=8009957586;ani=8009957587",
    "6175551234;postd=E",
    "6175551234;postd=1;postd=2",
    "6175551234;postd=\uff11",
    "6175551234;postd=1\r\n",
    "\u0666\u0661\u0667\u0665\u0665\u0665\u0661\u0662\u0663\u0664",
    "\uff16\uff11\uff17\uff15\uff15\uff15\uff11\uff12\uff13\uff14",
    "444123456",
    "1234567",
    "123456789012345",
    "+0016175551234",
    "617 555 1234 ext. 12",
    "6175551234\u200b",
    "\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2",
    "6" * 100_000,
    "None",
    "'; DROP TABLE call; --",
]

NOT_FIELDS = [
    ("max_attempts", "0"),
    ("max_attempts", "11"),
    ("max_attempts", "-1"),
    ("max_attempts", "1.5"),
    ("max_attempts", "1e0"),
    ("max_attempts", "0x1"),
    ("max_attempts", "two"),
    ("max_attempts", "\uff13"),
    ("max_attempts", "1_0"),
    ("max_attempts", "true"),
    ("max_attempts", "9" * 20),
    ("max_attempts", "9" * 5000),
    ("max_attempts", "2"),
    ("reattempt_wait", "59"),
    ("reattempt_wait", "86401"),
    ("reattempt_wait", "-60"),
    ("reattempt_wait", "soon"),
    ("reattempt_wait", "9" * 20),
    ("start_timestamp", "tomorrow"),
    ("start_timestamp", "2026-01-01"),
    ("start_timestamp", "nan"),
    ("start_timestamp", "inf"),
    ("start_timestamp", "9" * 20),
    ("start_timestamp", "9" * 400),
    ("start_timestamp", "1e400"),
    ("end_timestamp", "never"),
    ("end_timestamp", "NaN"),
    ("end_timestamp", "9" * 20),
    ("end_timestamp", "0"),
    ("end_timestamp", "1475095892"),
    ("result_url", "example.com/results"),
    ("result_url", "/results"),
    ("result_url", "ftp://example.com/"),
    ("result_url", "file:///etc/passwd"),
    ("result_url", "javascript:alert(1)"),
    ("result_url", "http://"),
    ("result_url", "http:///results"),
    ("result_url", "http://example.com:99999/"),
    ("result_url", "http://[::1"),
    ("result_url", "http://example.com/\r\nX: y"),
    ("result_url", "http://example.com/\x00"),
    ("result_url", "http://example.com/" + "a" * 100_000),
    ("is_pci", "2"),
    ("is_pci", "-1"),
    ("is_pci", "yes"),
    ("is_pci", "\uff11"),
    ("variables", "name"),
    ("variables", "[]"),
    ("variables", '"text"'),
    ("variables", "null"),
    ("variables", '{"a": 1}'),
    ("variables", '{"a": null}'),
    ("variables", '{"a": {"b": "c"}}'),
    ("variables", '{"a": "b"'),
    ("variables", '{"a": "b", "a": "c"}'),
    ("variables", '{"a": "\\u0000"}'),
    ("variables", '{"\\u0000": "a"}'),
    ("variables", '{"a": "\\ud800"}'),
    ("variables", "[" * 20_000),
]


@pytest.mark.parametrize("number", NOT_NUMBERS, ids=lambda number: ascii(number)[:40])
def test_what_is_not_a_phone_number(ask: Ask, deployment: Deployment, number: str) -> None:
    for options in ({"data": {"phone_number": number}}, {"json": {"phone_number": number}}):
        message = assert_error(ask("POST", deployment.path("queue"), **options), 400)
        assert len(number) < 7 or number not in message


@pytest.mark.parametrize(("field", "value"), NOT_FIELDS, ids=lambda value: ascii(value)[:40])
def test_what_a_field_cannot_mean(ask: Ask, deployment: Deployment, field: str, value: str) -> None:
    response = ask("POST", deployment.path("queue"), data={"phone_number": NUMBER, field: value})
    assert field in assert_error(response, 400)
    response = ask("POST", deployment.path("queue"), files={"phone_number": (None, NUMBER), field: (None, value)})
    assert field in assert_error(response, 400)


def test_a_window_that_closes_before_it_opens(ask: Ask, deployment: Deployment) -> None:
    now = int(time.time())
    for start, end in ((now + 3600, now + 3599), (now + 3600, now + 3600), (now + 7200, now + 60)):
        sent = {"phone_number": NUMBER, "start_timestamp": str(start), "end_timestamp": str(end)}
        assert "end_timestamp" in assert_error(ask("POST", deployment.path("queue"), data=sent), 400)


@pytest.mark.parametrize("field", ["phone", "Phone_Number", "phone_number[]", "csv", "état", "status", "call_id", ""])
def test_an_unknown_field_is_named(ask: Ask, deployment: Deployment, field: str) -> None:
    body = {"phone_number": NUMBER, field: "1"}
    for options in ({"data": body}, {"files": {name: (None, value) for name, value in body.items()}}, {"json": body}):
        if field == "" and "files" in options:
            continue  # no client can send it
        assert field in assert_error(ask("POST", deployment.path("queue"), **options), 400)


@pytest.mark.parametrize(
    "field",
    ["phone_number", "start_timestamp", "end_timestamp", "max_attempts", "reattempt_wait", "result_url", "is_pci"],
)
@pytest.mark.parametrize("value", [[], ["6175551234"], {}, {"a": "b"}, True, False, 1.5], ids=repr)
def test_a_wrong_type(ask: Ask, deployment: Deployment, field: str, value: object) -> None:
    if field == "is_pci" and isinstance(value, bool):
        return  # it can mean only one thing
    response = ask("POST", deployment.path("queue"), json={"phone_number": NUMBER, field: value})
    assert field in assert_error(response, 400)


@pytest.mark.parametrize("value", [[], "text", 1, True, {"a": 1}, {"a": ["b"]}, {"a": None}], ids=repr)
def test_variables_of_a_wrong_type(ask: Ask, deployment: Deployment, value: object) -> None:
    response = ask("POST", deployment.path("queue"), json={"phone_number": NUMBER, "variables": value})
    assert "variables" in assert_error(response, 400)


def test_a_field_twice(ask: Ask, deployment: Deployment) -> None:
    path = deployment.path("queue")
    twice = [("phone_number", (None, NUMBER)), ("phone_number", (None, "6175550000"))]
    form = {"content-type": "application/x-www-form-urlencoded"}
    as_json = {"content-type": "application/json"}
    for response in (
        ask("POST", path, content=f"phone_number={NUMBER}&phone_number={NUMBER}", headers=form),
        ask("POST", path, files=twice),
        ask("POST", path, content='{"phone_number": "6175551234", "phone_number": "6175551234"}', headers=as_json),
    ):
        assert "phone_number" in assert_error(response, 400)


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_no_number_at_all(ask: Ask, deployment: Deployment, xml: bool) -> None:
    headers = {"accept": "application/xml" if xml else "application/json"}
    bodies: list[dict[str, Any]] = [{"data": {"max_attempts": "1"}}, {"json": {}}, {"files": {"is_pci": (None, "0")}}]
    for options in bodies:
        response = ask("POST", deployment.path("queue"), headers=headers, **options)
        assert "phone_number" in assert_error(response, 400, xml=xml)


def test_a_message_is_escaped_in_xml(ask: Ask, deployment: Deployment) -> None:
    response = ask(
        "POST",
        deployment.path("queue"),
        data={"phone_number": NUMBER, "<a href='&'>\x01]]>": "1"},
        headers={"accept": "application/xml"},
    )
    assert_error(response, 400, xml=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "[]",
        '"6175551234"',
        "6175551234",
        "{",
        '{"phone_number": }',
        '{"phone_number": "6175551234"} x',
        '{"phone_number": "6175551234",}',
        '{"phone_number": "6175551234", "max_attempts": NaN}',
        '{"phone_number": "6175551234", "start_timestamp": Infinity}',
        '{"phone_number": "6175551234", "start_timestamp": 1e999}',
        '{"phone_number": "6175551234", "max_attempts": ' + "1" * 5000 + "}",
        '{"phone_number": ' + "[" * 50_000,
        '{"a":' * 20_000,
        '{"phone_number": "\\u0000"}',
        '{"phone_number": "\\ud800"}',
        "\ufeff" + '{"phone_number": 1}',
        "<call><phone_number>6175551234</phone_number></call>",
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_what_is_not_a_json_object_of_fields(ask: Ask, deployment: Deployment, text: str) -> None:
    headers = {"content-type": "application/json"}
    assert_error(ask("POST", deployment.path("queue"), content=text.encode(), headers=headers), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"phone_number=%FF%FE6175551234",
        b"phone_number=6175551234&variables=%C3%28",
        b"phone_number=6175551234&%FF=1",
        b"phone_number=6175551234\xff",
        b"phone_number=6175551234&is_pci=%ED%A0%80",
        b"phone_number=%006175551234",
        b"phone_number=6175551234&%00=1",
        b"phone_number=6175551234\x00",
        b"phone_number=%u0036175551234",
        b"phone_number",
        b"=6175551234",
        b"&&&&",
    ],
    ids=ascii,
)
def test_a_form_that_is_not_text(ask: Ask, deployment: Deployment, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert_error(ask("POST", deployment.path("queue"), content=body, headers=headers), 400)


@pytest.mark.parametrize(
    "body",
    [
        b'{"phone_number": "\xff6175551234"}',
        b'{"phone_number": "6175551234", "\xc3\x28": "1"}',
        b'{"phone_number": "6175551234", "variables": {"a": "\xed\xa0\x80"}}',
        b'{"phone_number": "6175551234", "variables": {"a": "\\u0000"}}',
        b'{"phone_number": "6175551234\x00"}',
        json.dumps({"phone_number": NUMBER}).encode("utf-16"),
    ],
    ids=ascii,
)
def test_json_that_is_not_text(ask: Ask, deployment: Deployment, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert_error(ask("POST", deployment.path("queue"), content=body, headers=headers), 400)


def part(value: bytes, *, name: bytes = b"phone_number", rest: bytes = b"") -> bytes:
    """One part of a multipart body whose boundary is `b`."""
    return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"' + rest + b"\r\n\r\n" + value + b"\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"garbage",
        part(b"6175551234"),
        part(b"6175551234")[:-6],
        part(b"6175551234") + b"--c--\r\n",
        part(b"\xff6175551234") + b"--b--\r\n",
        part(b"6175551234\x00") + b"--b--\r\n",
        part(b"6175551234") + part(b"1", name=b"\xff") + b"--b--\r\n",
        part(b"6175551234") + part(b"1", name=b"a\x00b") + b"--b--\r\n",
        part(b"6175551234") + part(b"\xc3\x28", name=b"variables") + b"--b--\r\n",
        part(b"6175551234", rest=b'; filename="numbers.txt"') + b"--b--\r\n",
        b"--b\r\n\r\n6175551234\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n6175551234\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: attachment; name=phone_number\r\n\r\n6175551234\r\n--b--\r\n",
        b"--b\r\nContent-Disposition form-data\r\n\r\n6175551234\r\n--b--\r\n",
        b"--b\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n6175551234\r\n--b--\r\n",
        b"--b\r\n" + b"X: y\r\n" * 20_000 + b"\r\n6175551234\r\n--b--\r\n",
    ],
    ids=lambda body: ascii(body)[-60:],
)
def test_multipart_that_is_broken(ask: Ask, deployment: Deployment, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert_error(ask("POST", deployment.path("queue"), content=body, headers=headers), 400)


@pytest.mark.parametrize("rest", ["", "; boundary=", '; boundary=""', "; boundary=" + "b" * 10_000])
def test_multipart_without_a_usable_boundary(ask: Ask, deployment: Deployment, rest: str) -> None:
    headers = {"content-type": f"multipart/form-data{rest}"}
    assert_error(ask("POST", deployment.path("queue"), content=part(b"6175551234"), headers=headers), 400)
