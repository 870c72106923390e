"""The engine's process: `python -m calloff.media FD MAX_CALLS PARENT_PID`, started by `MediaEngine` alone."""

import gc
import logging
import os
import signal
import socket
import sys

from calloff.media.engine import Engine


def main() -> None:
    """Run until the dialer that started it is gone."""
    descriptor, max_calls, parent = (int(argument) for argument in sys.argv[1:4])
    logging.basicConfig(level=logging.WARNING)
    # A signal for the group (Ctrl+C) is the dialer's to act on: calls are ended by it, not by this process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if os.getppid() != parent:
        return
    gc.freeze()
    with socket.socket(fileno=descriptor) as control:
        Engine(control, max_calls).run()


main()
