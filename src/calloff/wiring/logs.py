"""Logs to standard error: one line a message, with the time, the level, the process and the module."""

import logging
import os
import re
import time

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUIET = ("httpx", "httpcore", "psycopg.pool", "asyncio", "multipart", "python_multipart")
"""Libraries that say more than an operator can use, or whole addresses; their warnings are heard."""


def configure_logging(level: str, process: str) -> None:
    """Log from `level` on (`debug` … `error`); `process` tells the lines of several processes apart."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(f"{process}[{os.getpid()}]"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").addFilter(_without_query)


class _Formatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {process} %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """One line, whatever the message holds: what somebody sent cannot look like a line of ours."""
        return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), super().formatMessage(record))


def _without_query(record: logging.LogRecord) -> bool:
    """Take the query string out of a line of uvicorn's access log: it may hold a number."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, target, *rest = record.args
        record.args = (client, method, str(target).partition("?")[0], *rest)
    return True
