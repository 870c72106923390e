"""No log holds a number or a key, and nobody who sends us something can write a line into it (rows 24 and 25)."""

import logging
import sys
import threading
from collections.abc import Callable

import pytest

from tests.support.log_capture import FORGED, HOSTILE, NUMBER, assert_clean, logged


def break_off() -> None:
    """As a fault of ours may: with what was sent in the message, and in that of what it came from."""
    try:
        int(f"+{NUMBER}x")
    except ValueError as error:
        raise KeyError(HOSTILE) from error


def caught() -> None:
    try:
        break_off()
    except KeyError:
        logging.getLogger("calloff.api").exception("unexpected")


def uncaught() -> None:
    try:
        break_off()
    except KeyError:
        sys.excepthook(*sys.exc_info())


def in_a_thread() -> None:
    thread = threading.Thread(target=break_off)
    thread.start()
    thread.join()


class Broken:
    def __del__(self) -> None:
        break_off()


def unraisable() -> None:
    Broken()


def of_a_library() -> None:
    logging.getLogger("asyncio").error("future: <Task exception=KeyError(%r)>", HOSTILE)


@pytest.mark.parametrize("crash", [caught, uncaught, in_a_thread, unraisable, of_a_library])
def test_a_crash_shows_where_it_was_and_not_what_was_sent(crash: Callable[[], None]) -> None:
    with logged() as log:
        crash()
        text = log()
    assert_clean(text)
    assert "KeyError" in text
    assert crash is of_a_library or f"{break_off.__code__.co_filename}" in text


@pytest.mark.parametrize(
    "end", ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "\x1b"]
)
def test_a_message_is_one_line(end: str) -> None:
    with logged() as log:
        logging.getLogger("calloff.api").warning("from %s", f"x{end}{FORGED}")
        text = log()
    assert len(text.splitlines()) == 1
    assert end not in text.rstrip("\n")


def test_ids_stay_readable_where_we_write_ourselves() -> None:
    with logged() as log:
        logging.getLogger("calloff.dialer").info("call %d ended", 123456789)
        assert "call 123456789 ended" in log()


def test_the_access_log_has_no_query_and_no_number() -> None:
    with logged() as log:
        access = logging.getLogger("uvicorn.access")
        for target in ("/console/calls?number=5550142", f"/api/outbound/+{NUMBER}", "/api/outbound/123456789"):
            access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:50000", "GET", target, "1.1", 200)
        assert NUMBER not in log()
        assert "5550142" not in log()
        assert "/api/outbound/123456789 " in log()
        assert "127.0.0.1:50000" in log()
