"""ECMAScript: checked when an application is uploaded, run in an environment that each call has for itself."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import quickjs

from calloff.domain.errors import CalloffError

MAX_SOURCE = 4000
"""Longest expression, in characters."""
MAX_SCRIPT = 64 * 1024
"""Longest script, in characters."""
_LINE_LIMIT = 4 * 1024 * 1024
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_SILENCE = 10.0
"""Seconds after which an environment that neither answers nor ends is given up; its own limits end it long before."""

ScopeName = Literal["session", "application", "document", "dialog", "anonymous"]


class ExpressionError(CalloffError):
    """An expression could not be evaluated: it threw, or exceeded a limit."""


def check_expression(source: str) -> str | None:
    """Why `source` is no ECMAScript expression, in a few words; None if it is one. Compiles it and runs nothing."""
    if len(source) > MAX_SOURCE:
        return f"it is longer than {MAX_SOURCE} characters"
    engine = _checker()
    # Only an expression compiles in both brackets: "1); f(); (2" would pass the first alone.
    for before, after in ("()", "[]"):
        reason = _compile(engine, f"return {before}\n{source}\n{after};")
        if reason is not None:
            return reason
    return None if source.strip() else "it is empty"


def check_script(source: str) -> str | None:
    """Why `source` is no script, in a few words; None if it is one. Compiles it and runs nothing."""
    if len(source) > MAX_SCRIPT:
        return f"it is longer than {MAX_SCRIPT} characters"
    return _compile(_checker(), source)


def declared_by(source: str) -> tuple[str, ...]:
    """The names of the variables and functions that a script declares, in no order. It runs nothing of it."""
    engine = _checker()
    listed = "JSON.stringify(Object.getOwnPropertyNames(globalThis))"
    before = set(json.loads(engine.eval(listed)))
    # A script's names exist before its first statement, which is ours.
    with contextlib.suppress(quickjs.JSException, quickjs.StackOverflow):
        engine.eval(f"throw 0;\n{source}")
    return tuple(sorted(set(json.loads(engine.eval(listed))) - before))


def _checker() -> Any:
    engine = quickjs.Context()
    engine.set_memory_limit(16 * 1024 * 1024)
    engine.set_max_stack_size(256 * 1024)
    engine.set_time_limit(1)
    return engine


def _compile(engine: Any, body: str) -> str | None:
    try:
        engine.eval(f"new Function({json.dumps(body)}); null")
    except (quickjs.JSException, quickjs.StackOverflow) as error:
        return str(error).splitlines()[0][:200]
    return None


class Environment:
    """The variables of one call in their scopes (VoiceXML 2.0 section 5.1.2), in a process of their own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """End the process; a second call does nothing."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def start(self, variables: Mapping[str, str]) -> None:
        """Begin anew with the call's own variables, which stand in the application scope."""
        await self._ask("start", variables=dict(variables))

    async def begin(self, scope: ScopeName, *, shared: bool = False) -> None:
        """Empty a scope and those inside it; a document that is `shared` is its own root document."""
        await self._ask("begin", scope=scope, shared=shared)

    async def enter(self, params: Sequence[tuple[str, str]]) -> None:
        """Go into a subdialog: evaluate its parameters, and put all scopes of the caller aside."""
        await self._ask("enter", params=list(params))

    async def leave(self, into: str, returned: Sequence[str] | None) -> None:
        """Come back from a subdialog; the `returned` variables become members of the caller's variable `into`."""
        await self._ask("leave", into=into, returned=None if returned is None else list(returned))

    async def undeclared(self) -> list[str]:
        """The parameters of the subdialog that no `<var>` has taken."""
        return [str(name) for name in await self._ask("undeclared")]

    async def declare(self, scope: ScopeName, name: str, expr: str | None, *, takes: bool = False) -> None:
        """Declare a variable; one that `takes` gets a subdialog's parameter of its name instead of its own value."""
        await self._ask("declare", scope=scope, name=name, expr=expr, takes=takes, about=expr)

    async def set(self, scope: ScopeName, name: str, value: object) -> None:
        """Give a variable a value that JSON can write."""
        await self._ask("set", scope=scope, name=name, value=value)

    async def empty(self, names: Sequence[str]) -> None:
        """Make variables undefined."""
        await self._ask("empty", names=list(names))

    async def assign(self, target: str, expr: str) -> None:
        """Change a declared variable."""
        await self._ask("assign", target=target, expr=expr, about=f"{target} = {expr}")

    async def text(self, expr: str) -> str | None:
        """The value as a string, objects as JSON; None if it is undefined or null."""
        found = await self._ask("evaluate", expr=expr, want="text", about=expr)
        return None if found is None else str(found)

    async def truth(self, expr: str) -> bool:
        """Whether the value is truthy."""
        return bool(await self._ask("evaluate", expr=expr, want="truth", about=expr))

    async def texts(self, exprs: Sequence[str]) -> list[str | None]:
        """Each value as a string; None for those that are undefined, null, or cannot be had."""
        return list(await self._ask("texts", exprs=list(exprs)))

    async def defined(self, names: Sequence[str]) -> list[bool]:
        """Which of the dialog's variables have a value."""
        return list(await self._ask("defined", names=list(names)))

    async def script(self, scope: ScopeName, source: str) -> None:
        """Run a script, whose variables and functions belong to `scope` from now on."""
        declares = await asyncio.to_thread(declared_by, source)
        await self._ask("script", scope=scope, source=source, declares=list(declares), about=source)

    async def length(self, expr: str) -> int:
        """How many elements the array has."""
        return int(await self._ask("length", expr=expr, about=expr))

    async def element(self, name: str, expr: str, index: int) -> None:
        """Let the variable be an element of the array."""
        await self._ask("element", name=name, expr=expr, index=index, about=expr)

    async def data(self, name: str, *, tree: object = None, value: object = None) -> None:
        """Let a variable be an XML document, given as nested lists (`calloff.voice.web`), or a value."""
        if tree is None:
            await self._ask("data", name=name, given=value)
        else:
            await self._ask("data", name=name, tree=tree)

    async def fill(
        self, program: str | None, value: object, utterance: str, fields: Sequence[tuple[str, str]], *, whole: bool
    ) -> list[str]:
        """Fill fields (name, slot) with what was keyed in; the names that were filled.

        `program` computes what it means, else it is `value`. With `whole`, a meaning without the slot fills the field.
        """
        wanted = [{"name": name, "slot": slot} for name, slot in fields]
        return list(
            await self._ask("fill", program=program, given=value, utterance=utterance, fields=wanted, whole=whole)
        )

    async def _ask(self, operation: str, *, about: str | None = None, **request: object) -> Any:
        """The answer of the process. Raises `ExpressionError`."""
        line = json.dumps({"operation": operation, **request}).encode() + b"\n"
        # Whoever is cancelled here must not leave half an exchange to the next.
        exchange = asyncio.ensure_future(self._exchange(line))
        answer = await asyncio.shield(exchange)
        if "error" in answer:
            what = "A value" if about is None else f"The expression {' '.join(about.split())[:80]!r}"
            raise ExpressionError(f"{what} failed: {answer['error']}.")
        return answer["value"]

    async def _exchange(self, line: bytes) -> dict[str, Any]:
        try:
            async with self._turn, asyncio.timeout(_SILENCE):
                self._writer.write(line)
                await self._writer.drain()
                answer = await self._reader.readline()
        except (TimeoutError, ConnectionError, ValueError):
            answer = b""
        if not answer.endswith(b"\n"):
            self._writer.close()
            return {"error": "it takes too long"}
        result: dict[str, Any] = json.loads(answer)
        return result


class Evaluator:
    """Gives each call its environment; one process, started when first needed, forks them all."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Make no more environments; those that there are go on. A second call does nothing."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            await self._process.wait()
            self._process = None

    async def environment(self, variables: Mapping[str, str]) -> Environment:
        """An environment for a call with these variables; close it at the end. Raises `ExpressionError`."""
        ours, theirs = socket.socketpair()
        try:
            await self._send(theirs)
        except OSError:
            ours.close()
            raise ExpressionError("Expressions cannot be evaluated now; the machine may be short of memory.") from None
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
        environment = Environment(reader, writer)
        try:
            await environment.start(variables)
        except BaseException:
            await environment.close()
            raise
        return environment

    async def _send(self, connection: socket.socket) -> None:
        async with self._starting:
            if self._control is None or self._process is None or self._process.returncode is not None:
                await self._begin()
        assert self._control is not None
        await asyncio.to_thread(socket.send_fds, self._control, [b"+"], [connection.fileno()])

    async def _begin(self) -> None:
        if self._control is not None:
            self._control.close()
        self._control, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "calloff.voice.expression_worker"),
                stdin=theirs.fileno(),
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            )
        finally:
            theirs.close()
