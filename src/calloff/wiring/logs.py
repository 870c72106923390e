"""Logs to standard error: one line a message, with the time, the level, the process and the module."""

import logging
import os
import re
import sys
import threading
import time
import traceback
from typing import Any

from calloff.domain.masking import mask_long_numbers, mask_numbers, mask_secrets

_log = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUIET = ("httpx", "httpcore", "psycopg.pool", "asyncio", "multipart", "python_multipart")
"""Libraries that say more than an operator can use, or whole addresses; their warnings are heard."""
_CAREFUL = ("calloff.", "uvicorn.")
"""Their messages hold no number but IDs, which have to stay readable; those of everybody else are masked."""


def configure_logging(level: str, process: str) -> None:
    """Log from `level` on (`debug` … `error`); `process` tells the lines of several processes apart."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(f"{process}[{os.getpid()}]"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").addFilter(_without_numbers)
    sys.excepthook = lambda kind, error, trace: _log.critical("broke off", exc_info=(kind, error, trace))
    threading.excepthook = lambda broken: _log.error("a thread broke off", exc_info=broken.exc_value)
    sys.unraisablehook = lambda broken: _log.error("an error that nobody could be told", exc_info=broken.exc_value)


def traceback_of(error: BaseException) -> str:
    """Where `error` came from, masked: its message may hold what somebody sent."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(f"  {_on_one_line(mask_secrets(mask_numbers(line)))}" for line in lines)


class _Formatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {process} %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """One line, whatever the message holds: what somebody sent cannot look like a line of ours."""
        if not record.name.startswith(_CAREFUL):
            record.message = mask_secrets(mask_numbers(record.message))
        return _on_one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback, masked, and with every line indented, so that none can look like a line of ours."""
        return traceback_of(ei[1])


def _on_one_line(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _without_numbers(record: logging.LogRecord) -> bool:
    """Take the query string, and what is too long for an ID, out of a line of uvicorn's access log."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, target, *rest = record.args
        record.args = (client, method, mask_long_numbers(str(target).partition("?")[0]), *rest)
    return True
