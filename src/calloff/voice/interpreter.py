"""Runs an application on a line: the form interpretation algorithm (VoiceXML 2.0 section 2.1.6 and appendix C)."""

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, assert_never

from calloff.domain.errors import CalloffError
from calloff.voice import keys
from calloff.voice.document import (
    Action,
    Assign,
    Block,
    Content,
    Disconnect,
    Document,
    EventName,
    Exit,
    Field,
    Form,
    Goto,
    Handler,
    If,
    Item,
    Log,
    Prompt,
    Say,
    Var,
)
from calloff.voice.expressions import UNDEFINED, ExpressionError, Scopes, Source, source_of
from calloff.voice.line import HungUp, Line
from calloff.voice.prompts import Media, PromptQueue
from calloff.voice.recordings import ReadUpload

MAX_STEPS = 10_000
"""Actions and items that one call may run, so that a document which goes round in circles ends."""
MAX_SECONDS = 3600.0
"""How long an application may run."""
UNHANDLED_TRIES = 3
"""How often a field without `noinput` or `nomatch` asks before the application ends."""

log = logging.getLogger("calloff.application")

Transfer = Goto | Disconnect | Exit
_Outcome = TypeVar("_Outcome")


class End(StrEnum):
    """Why an application ended."""

    EXIT = "exit"
    """It ran to its end."""
    DISCONNECT = "disconnect"
    """It asked to hang up."""
    HANGUP = "hangup"
    """The leg ended first."""
    ERROR = "error"
    """It could not go on; `Collected.error` says why."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of an application."""

    end: End
    variables: dict[str, str] = field(default_factory=dict)
    """What it collected: the namelist of `exit` or `disconnect`, else every field that was filled."""
    error: str | None = None
    """For the call's history, with the line of the document."""


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What an application can know of its call."""

    id: str
    """For logs."""
    variables: Mapping[str, str]
    """Given when the call was queued."""
    remote: str
    """The number that was called."""
    local: str
    """The caller ID; empty if the trunk chose it."""
    private: bool = False
    """`is_pci`: nothing of the call's values is logged or cached."""


class _Failed(Exception):
    """The application cannot go on; the message says where and why."""


async def run(document: Document, line: Line, call: CallInfo, media: Media, uploaded: ReadUpload) -> Collected:
    """Run `document` until it ends, fails or is hung up on; the caller of this hangs up then.

    Never raises but for cancellation. `uploaded` reads the recordings that belong to the document.
    """
    return await _Interpreter(document, line, call, media, uploaded).run()


class _Interpreter:
    def __init__(self, document: Document, line: Line, call: CallInfo, media: Media, uploaded: ReadUpload) -> None:
        self._document = document
        self._line = line
        self._call = call
        self._evaluator = media.evaluator
        application = {name: source_of(value) for name, value in call.variables.items()}
        self._scopes = Scopes(application=application)
        self._queue = PromptQueue(line, media, self._scopes, uploaded, private=call.private)
        self._form: Form = document.forms[0]
        self._answers: dict[str, str] = {}
        self._returned: dict[str, str] | None = None
        self._steps = 0

    async def run(self) -> Collected:
        error = None
        try:
            async with asyncio.timeout(MAX_SECONDS):
                transfer = await self._until_hung_up(self._run_forms())
            end = End.DISCONNECT if isinstance(transfer, Disconnect) else End.EXIT
        except HungUp:
            end = End.HANGUP
        except TimeoutError:
            end, error = End.ERROR, f"The application ran longer than {MAX_SECONDS:.0f} s."
        except _Failed as failure:
            end, error = End.ERROR, str(failure)
        except Exception:
            log.exception("call %s: the application broke off", self._call.id)
            end, error = End.ERROR, "Something is wrong inside Calloff; its log tells more."
        await self._keep_answers()
        return Collected(end, self._answers if self._returned is None else self._returned, error)

    async def _until_hung_up(self, work: Coroutine[None, None, _Outcome]) -> _Outcome:
        """What `work` returns. Raises `HungUp` as soon as the leg ends, whatever is being fetched or spoken then."""
        working, ended = asyncio.create_task(work), asyncio.create_task(self._line.wait_ended())
        try:
            await asyncio.wait((working, ended), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise HungUp
        finally:
            working.cancel()
            ended.cancel()
            await asyncio.gather(working, ended, return_exceptions=True)

    async def _run_forms(self) -> Exit | Disconnect | None:
        await self._declare(self._scopes.document, self._document.variables)
        while True:
            transfer = await self._run_form()
            if not isinstance(transfer, Goto):
                await self._queue.play_out()
                return transfer
            await self._keep_answers()
            self._form = next(form for form in self._document.forms if form.id == transfer.form)

    async def _named(self, action: Exit | Disconnect) -> dict[str, str] | None:
        """What an `exit` or `disconnect` names to be returned; None if it names nothing."""
        if isinstance(action, Exit) and action.expr is not None:
            return {"exit": await self._text(action.line, action.expr)}
        return {name: await self._text(action.line, name) for name in action.names} or None

    async def _keep_answers(self) -> None:
        """Remember the filled fields of the form that is being left."""
        for item in self._form.items:
            if isinstance(item, Field) and self._is_filled(item) and not item.name.startswith("#"):
                try:
                    self._answers[item.name] = await self._text(item.line, f"dialog.{item.name}")
                except _Failed:
                    log.warning("call %s: the answer of a field could not be read", self._call.id)

    async def _run_form(self) -> Transfer | None:
        """Visit the form's items until none is left (None) or one of them leads away."""
        self._scopes.dialog.clear()
        await self._declare(self._scopes.dialog, self._form.variables)
        for each in self._form.items:
            self._scopes.dialog[each.name] = await self._initial(each.line, each.expr)
        visits = _Visits()
        item: Item | None = await self._select()
        while item is not None:
            transfer = await (self._visit_block(item) if isinstance(item, Block) else self._visit_field(item, visits))
            if isinstance(transfer, Goto) and transfer.item is not None:
                item = next(target for target in self._form.items if target.name == transfer.item)
                visits.silent = False
            elif transfer is not None:
                return transfer
            else:
                item = await self._select()
        return None

    async def _select(self) -> Item | None:
        """The first item that is not filled and whose condition holds."""
        for item in self._form.items:
            self._step(item.line)
            if not self._is_filled(item) and await self._holds(item.line, item.cond):
                return item
        return None

    def _is_filled(self, item: Item) -> bool:
        return self._scopes.dialog.get(item.name, UNDEFINED) != UNDEFINED

    async def _visit_block(self, block: Block) -> Transfer | None:
        self._scopes.dialog[block.name] = "true"
        return await self._run_content(block.content)

    async def _visit_field(self, item: Field, visits: "_Visits") -> Transfer | None:
        if not visits.silent:
            visits.prompts[item.name] += 1
            await self._ask(item, visits)
        await self._queue.play()
        value, event = await keys.answer(self._line, item.answer, visits.timeout)
        if event is not None:
            return await self._handle(item, event, visits)
        visits.silent = False
        self._scopes.dialog[item.name] = value or UNDEFINED
        for content in item.filled:
            transfer = await self._run_content(content)
            if transfer is not None:
                return transfer
        return None

    async def _ask(self, item: Field, visits: "_Visits") -> None:
        """Queue the prompts for this visit (VoiceXML 2.0 section 4.1.6)."""
        visits.timeout = keys.TIMEOUT
        possible = [
            prompt
            for prompt in item.prompts
            if prompt.count <= visits.prompts[item.name] and await self._holds(prompt.line, prompt.cond)
        ]
        for prompt in possible:
            if prompt.count == max(prompt.count for prompt in possible):
                await self._prompt(prompt)
                visits.timeout = keys.TIMEOUT if prompt.timeout is None else prompt.timeout

    async def _handle(self, item: Field, event: EventName, visits: "_Visits") -> Transfer | None:
        """Run the handler for the event, the innermost with the highest count that has been reached (section 5.2.4).

        A handler does not ask again; without one, the question is repeated a few times, then the application ends.
        """
        visits.events[item.name, event] += 1
        count = visits.events[item.name, event]
        best: Handler | None = None
        for handler in (*item.handlers, *self._form.handlers, *self._document.handlers):
            reached = handler.event == event and handler.count <= count and handler.count > (best.count if best else 0)
            if reached and await self._holds(handler.line, handler.cond):
                best = handler
        visits.silent = best is not None
        if best is not None:
            return await self._run_content(best.content)
        visits.unhandled[item.name] += 1
        return Exit(item.line, None, ()) if visits.unhandled[item.name] >= UNHANDLED_TRIES else None

    async def _run_content(self, content: Content) -> Transfer | None:
        self._scopes.anonymous.clear()
        try:
            return await self._run_actions(content)
        finally:
            self._scopes.anonymous.clear()

    async def _run_actions(self, content: Content) -> Transfer | None:
        for action in content:
            transfer = await self._run_action(action)
            if transfer is not None:
                return transfer
        return None

    async def _run_action(self, action: Action) -> Transfer | None:
        self._step(action.line)
        match action:
            case Prompt():
                if await self._holds(action.line, action.cond):
                    await self._prompt(action)
            case Var():
                await self._declare(self._scopes.anonymous, (action,))
            case Assign():
                try:
                    await self._evaluator.assign(self._scopes, action.name, action.expr)
                except ExpressionError as error:
                    raise _failed(action.line, error) from None
            case If():
                for cond, content in action.branches:
                    if await self._holds(action.line, cond):
                        return await self._run_actions(content)
            case Log():
                await self._log(action)
            case Disconnect() | Exit():
                self._returned = await self._named(action)
                return action
            case Goto():
                return action
            case _:
                assert_never(action)
        return None

    async def _log(self, action: Log) -> None:
        words = [
            piece.text if isinstance(piece, Say) else await self._text(action.line, piece.expr)
            for piece in action.pieces
        ]
        if action.expr is not None:
            words.append(await self._text(action.line, action.expr))
        if not self._call.private:
            log.info("call %s: %s", self._call.id, _loggable(" ".join([action.label, *words]).strip()))

    async def _prompt(self, prompt: Prompt) -> None:
        try:
            await self._queue.add(prompt)
        except CalloffError as error:
            raise _failed(prompt.line, error) from None

    async def _declare(self, scope: dict[str, Source], variables: tuple[Var, ...]) -> None:
        for variable in variables:
            scope[variable.name] = await self._initial(variable.line, variable.expr)

    async def _initial(self, line: int, expr: str | None) -> Source:
        if expr is None:
            return UNDEFINED
        self._step(line)
        try:
            return await self._evaluator.value(self._scopes, expr)
        except ExpressionError as error:
            raise _failed(line, error) from None

    async def _holds(self, line: int, cond: str | None) -> bool:
        if cond is None:
            return True
        self._step(line)
        try:
            return await self._evaluator.truth(self._scopes, cond)
        except ExpressionError as error:
            raise _failed(line, error) from None

    async def _text(self, line: int, expr: str) -> str:
        try:
            return await self._evaluator.text(self._scopes, expr)
        except ExpressionError as error:
            raise _failed(line, error) from None

    def _step(self, line: int) -> None:
        """Count a step, and let expressions see who answered as far as it is known by now."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _Failed(f"Line {line}: The application took {MAX_STEPS} steps; it may be going round in circles.")
        connection = {
            "remote": {"uri": f"tel:{self._call.remote}"},
            "local": {"uri": f"tel:{self._call.local}"},
            "callee_type": str(self._line.callee_type),
        }
        self._scopes.session["connection"] = json.dumps(connection)


@dataclass(slots=True)
class _Visits:
    """What a form remembers of the visits to its items."""

    prompts: Counter[str] = field(default_factory=Counter)
    events: Counter[tuple[str, EventName]] = field(default_factory=Counter)
    unhandled: Counter[str] = field(default_factory=Counter)
    timeout: float = keys.TIMEOUT
    silent: bool = False
    """The last visit ended in a handler, so the question is not repeated."""


def _failed(line: int, error: CalloffError) -> _Failed:
    return _Failed(f"Line {line}: {error.message}")


def _loggable(text: str) -> str:
    """`text` on one line, with long numbers masked but for their last two digits."""
    line = "".join(character if character.isprintable() else " " for character in text[:500])
    return re.sub(r"\d{5,}(?=\d\d)", lambda digits: "*" * len(digits[0]), line)
