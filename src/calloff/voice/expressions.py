"""ECMAScript expressions: checked when an application is uploaded, evaluated in a process of their own."""

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import quickjs

from calloff.domain.errors import CalloffError

MAX_SOURCE = 4000
"""Longest expression, in characters."""
_LINE_LIMIT = 4 * 1024 * 1024
_WORKERS = 2
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_SILENCE = 10.0
"""Seconds after which a worker that neither answers nor ends is killed; its own limits end it long before."""

Source = str
"""A value as ECMAScript source, such as `"Anna"`, `12` or `undefined`."""
UNDEFINED: Source = "undefined"


class ExpressionError(CalloffError):
    """An expression could not be evaluated: it threw, or exceeded a limit."""


@dataclass(slots=True)
class Scopes:
    """The variables of a call by scope, outermost first (VoiceXML 2.0 section 5.1.2); values are `Source`."""

    session: dict[str, Source] = field(default_factory=dict)
    """Read-only for the document."""
    application: dict[str, Source] = field(default_factory=dict)
    document: dict[str, Source] = field(default_factory=dict)
    dialog: dict[str, Source] = field(default_factory=dict)
    anonymous: dict[str, Source] = field(default_factory=dict)

    def declares(self, target: str) -> bool:
        """Whether an assignment to `target` (`x`, `document.x`, `x.y`) changes a declared variable."""
        root, _, rest = target.replace("[", ".").partition(".")
        inner = {"application": self.application, "document": self.document, "dialog": self.dialog}
        if root in inner:
            return rest.partition(".")[0].rstrip("]") in inner[root]
        return any(root in scope for scope in (*inner.values(), self.anonymous))


def source_of(text: str) -> Source:
    """A string as ECMAScript source."""
    return json.dumps(text)


def check_expression(source: str) -> str | None:
    """Why `source` is no ECMAScript expression, in a few words; None if it is one. Compiles it and runs nothing."""
    if len(source) > MAX_SOURCE:
        return f"it is longer than {MAX_SOURCE} characters"
    engine = quickjs.Context()
    engine.set_memory_limit(16 * 1024 * 1024)
    engine.set_max_stack_size(256 * 1024)
    engine.set_time_limit(1)
    # Only an expression compiles in both brackets: "1); f(); (2" would pass the first alone.
    for before, after in ("()", "[]"):
        body = json.dumps(f"return {before}\n{source}\n{after};")
        try:
            engine.eval(f"new Function({body}); null")
        except (quickjs.JSException, quickjs.StackOverflow) as error:
            return str(error).splitlines()[0][:200]
    return None if source.strip() else "it is empty"


class Evaluator:
    """Evaluates the expressions of all calls of a process, in a few worker processes that start when first needed.

    A worker keeps nothing between expressions, so one that has to be killed takes nothing of other calls with it.
    """

    def __init__(self) -> None:
        self._idle: asyncio.LifoQueue[asyncio.subprocess.Process | None] = asyncio.LifoQueue()
        self._stopped = False
        for _ in range(_WORKERS):
            self._idle.put_nowait(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End the workers, busy ones after their answer; a second call does nothing."""
        self._stopped = True
        while not self._idle.empty():
            await _end(self._idle.get_nowait())

    async def value(self, scopes: Scopes, expr: str) -> Source:
        """The value of `expr`, whose side effects change `scopes`. Raises `ExpressionError`."""
        return await self._evaluate(scopes, expr, "source")

    async def text(self, scopes: Scopes, expr: str) -> str:
        """The value of `expr` as a string; objects as JSON. Raises `ExpressionError`."""
        return await self._evaluate(scopes, expr, "text")

    async def truth(self, scopes: Scopes, expr: str) -> bool:
        """Whether the value of `expr` is truthy. Raises `ExpressionError`."""
        return await self._evaluate(scopes, expr, "truth") == "true"

    async def assign(self, scopes: Scopes, target: str, expr: str) -> None:
        """Change a declared variable. Raises `ExpressionError`, also if none of that name is declared."""
        if not scopes.declares(target):
            raise ExpressionError(f"No variable {target!r} is declared; add a <var>.")
        await self._evaluate(scopes, f"{target} = (\n{expr}\n)", "source")

    async def _evaluate(self, scopes: Scopes, expr: str, want: Literal["source", "text", "truth"]) -> str:
        inner = {"application": scopes.application, "document": scopes.document, "dialog": scopes.dialog}
        sent = {"session": scopes.session, **inner, "anonymous": scopes.anonymous}
        answer = await self._ask(json.dumps({"scopes": sent, "expr": expr, "want": want}).encode() + b"\n")
        if "error" in answer:
            raise ExpressionError(f"The expression {expr.strip()[:80]!r} failed: {answer['error']}.")
        for name, variables in answer["scopes"].items():
            kept: dict[str, Source] = getattr(scopes, name)
            kept.clear()
            kept.update(variables)
        value: str = answer["value"]
        return value

    async def _ask(self, request: bytes) -> dict[str, Any]:
        worker = await self._idle.get()
        answer = b""
        try:
            if worker is None or worker.returncode is not None:
                worker = await _start()
            answer = await _exchange(worker, request)
        finally:
            # Without a whole answer (it died, or we were cancelled) the worker cannot be used again.
            if self._stopped or not answer.endswith(b"\n"):
                await _end(worker)
                worker = None
            self._idle.put_nowait(worker)
        if not answer.endswith(b"\n"):
            return {"error": "it takes too long"}
        result: dict[str, Any] = json.loads(answer)
        return result


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "calloff.voice.expression_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )


async def _exchange(worker: asyncio.subprocess.Process, request: bytes) -> bytes:
    """The worker's answer to `request`; not a whole line if it died or kept silent."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        async with asyncio.timeout(_SILENCE):
            worker.stdin.write(request)
            await worker.stdin.drain()
            return await worker.stdout.readline()
    except (TimeoutError, ConnectionError):
        return b""


async def _end(worker: asyncio.subprocess.Process | None) -> None:
    if worker is None:
        return
    with contextlib.suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()
