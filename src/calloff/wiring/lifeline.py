"""Ends a child process with its parent, also when the parent is killed: the child waits for the end of a pipe."""

import os
import signal
import threading
import time

_GRACE = 5.0
"""Seconds to end calls and answers by oneself before the process is ended."""


def hold(lifeline_fd: int) -> None:
    """Tell this process to stop, as SIGTERM does, when the pipe's other end closes, and make sure that it does."""
    threading.Thread(target=_watch, args=(lifeline_fd,), name="lifeline", daemon=True).start()


def _watch(lifeline_fd: int) -> None:
    while os.read(lifeline_fd, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)
