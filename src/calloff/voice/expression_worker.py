"""The processes that evaluate ECMAScript, one a call, so that no application can hang, crash or read another call's.

This process only forks: each message on its standard input, a socket, brings the end of a connection (SCM_RIGHTS) for a
child, which holds the environment of one call (`environment.js`) and answers one JSON line with another. An engine has
limits of time, memory and stack. Loops inside the engine's own functions do not look at its time limit; those are ended
by the kernel: the child arms a CPU timer, and SIGPROF kills it.
"""

import gc
import json
import os
import resource
import signal
import socket
import sys
from importlib import resources
from typing import Any

import quickjs

ENGINE_SECONDS = 0.1
"""CPU time that one expression may use before the engine stops it."""
PROCESS_SECONDS = 0.5
"""CPU time of one expression after which the kernel ends the process."""
CALL_SECONDS = 30
"""CPU time that all expressions of a call may use together."""
ENGINE_BYTES = 16 * 1024 * 1024
STACK_BYTES = 256 * 1024
PROCESS_BYTES = 1024 * 1024 * 1024
MAX_REQUEST = 8 * 1024 * 1024


class Environment:
    """The engine of one call."""

    def __init__(self, program: str) -> None:
        self._engine = quickjs.Context()
        self._engine.set_memory_limit(ENGINE_BYTES)
        self._engine.set_max_stack_size(STACK_BYTES)
        self._engine.set_time_limit(ENGINE_SECONDS)
        self._answer = self._engine.eval(program)

    def answer(self, request: str) -> dict[str, Any]:
        """The answer to one request: `{"value": …}`, or `{"error": …}` in a few words."""
        try:
            result: dict[str, Any] = json.loads(self._answer(request))
            return result
        except (quickjs.JSException, quickjs.StackOverflow) as error:
            return {"error": _first_line(error)}


def _first_line(error: Exception) -> str:
    line = str(error).splitlines()[0][:200]
    if "interrupted" in line:
        return f"it takes longer than {ENGINE_SECONDS} s"
    if "out of memory" in line:
        return "it needs too much memory"
    return line


def _serve(connection: socket.socket, program: str) -> None:
    """Answer the requests of one call until its connection ends."""
    resource.setrlimit(resource.RLIMIT_CPU, (CALL_SECONDS, CALL_SECONDS))
    environment = Environment(program)
    stream = connection.makefile("rwb")
    while line := stream.readline(MAX_REQUEST):
        signal.setitimer(signal.ITIMER_PROF, PROCESS_SECONDS)
        answer = environment.answer(line.decode())
        signal.setitimer(signal.ITIMER_PROF, 0)
        stream.write(json.dumps(answer).encode() + b"\n")
        stream.flush()


def main() -> None:
    """Fork a child for each connection that comes, until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (PROCESS_BYTES, PROCESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A signal to the whole process group must not take the expressions of calls that are still being drained.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # The kernel buries the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    program = (resources.files("calloff.voice") / "environment.js").read_text(encoding="utf-8")
    control = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    # What was loaded is shared by all children as long as nobody writes to it.
    gc.disable()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                os.close(sys.stdin.fileno())
                _serve(socket.socket(fileno=descriptor), program)
                os._exit(0)
            os.close(descriptor)


if __name__ == "__main__":
    main()
