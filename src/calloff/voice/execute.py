"""Runs executable content (VoiceXML 2.0 section 5.3)."""

import logging
from collections.abc import Sequence
from typing import Protocol, assert_never

from calloff.voice.content import (
    Action,
    Assign,
    Clear,
    Content,
    Data,
    Disconnect,
    Exit,
    Foreach,
    Goto,
    If,
    Log,
    Prompt,
    Reprompt,
    Return,
    Say,
    SayValue,
    Script,
    Submit,
    Throw,
    Var,
)
from calloff.voice.document import Choice, Document
from calloff.voice.events import Ended, Event, GoTo, GoToItem, Returned, ReturnedEvent
from calloff.voice.expressions import ScopeName
from calloff.voice.properties import PropertyChain
from calloff.voice.session import Session, loggable
from calloff.voice.web import data_of

MAX_ROUNDS = 1000
"""Elements of an array that `<foreach>` goes through."""

log = logging.getLogger("calloff.application")


class Surroundings(Protocol):
    """The dialog that content runs in."""

    @property
    def document(self) -> Document: ...
    @property
    def root(self) -> Document | None: ...
    @property
    def properties(self) -> PropertyChain: ...
    @property
    def choices(self) -> Sequence[Choice]: ...
    @property
    def item_names(self) -> Sequence[str]: ...
    def reprompt(self) -> None:
        """Let the next question be asked aloud."""
        ...

    def forget(self, names: Sequence[str]) -> None:
        """Count the prompts and events of these items anew."""
        ...


class Executor:
    """Runs actions; whatever leaves the content is raised as an event or a transition."""

    def __init__(self, session: Session, dialog: Surroundings) -> None:
        self._session = session
        self._environment = session.environment
        self._dialog = dialog

    async def run(self, content: Content) -> None:
        """Run the actions in order."""
        for action in content:
            await self._session.step(action.line, action.element)
            with self._session.blaming(action.line, action.element):
                await self._run(action)

    async def prepare(self, part: Var | Script | Data, scope: ScopeName, *, takes: bool = False) -> None:
        """Declare a variable, run a script or get data as a form or a document begins."""
        await self._session.step(part.line, part.element)
        with self._session.blaming(part.line, part.element):
            if isinstance(part, Var):
                await self._environment.declare(scope, part.name, part.expr, takes=takes)
            elif isinstance(part, Script):
                await self._script(part, scope)
            else:
                if part.name is not None:
                    await self._environment.declare(scope, part.name, None)
                await self._data(part)

    async def _run(self, action: Action) -> None:
        match action:
            case Prompt():
                if await self._session.holds(action.line, action.element, action.cond):
                    await self._prompt(action)
            case Var():
                await self._environment.declare("anonymous", action.name, action.expr)
            case Assign():
                await self._environment.assign(action.name, action.expr)
            case Clear():
                await self._clear(action)
            case If():
                await self._if(action)
            case Foreach():
                await self._foreach(action)
            case Script():
                await self._script(action, "anonymous")
            case Data():
                await self._data(action)
            case Reprompt():
                self._dialog.reprompt()
            case Log():
                await self._log(action)
            case Throw():
                raise await self._event(action)
            case Goto() | Submit() | Return() | Disconnect() | Exit():
                await self._leave(action)
            case _:
                assert_never(action)

    async def _leave(self, action: Goto | Submit | Return | Disconnect | Exit) -> None:
        match action:
            case Goto():
                await self._goto(action)
            case Submit():
                await self._submit(action)
            case Return():
                if action.throws is not None:
                    raise ReturnedEvent(await self._event(action.throws))
                raise Returned(action.names)
            case Disconnect():
                await self._return(action.line, action.element, action.names)
                raise Ended(disconnect=True)
            case Exit():
                if action.expr is not None:
                    value = await self._session.text(action.line, action.element, action.expr)
                    if value is not None:
                        self._session.collected["exit"] = value
                await self._return(action.line, action.element, action.names)
                raise Ended(disconnect=False)

    async def _return(self, line: int, element: str, names: Sequence[str]) -> None:
        if names:
            self._session.returned = await self._session.texts(line, element, names)

    async def _prompt(self, action: Prompt) -> None:
        if not self._session.has_hung_up:
            await self._session.queue.add(action, self._dialog.properties, self._dialog.choices)

    async def _clear(self, action: Clear) -> None:
        names = action.names or self._dialog.item_names
        self._dialog.forget(names)
        await self._environment.empty([name for name in names if not name.startswith("#")])
        for name in names:
            if name.startswith("#"):
                await self._environment.declare("dialog", name, None)

    async def _if(self, action: If) -> None:
        for cond, content in action.branches:
            if await self._session.holds(action.line, action.element, cond):
                await self.run(content)
                return

    async def _foreach(self, action: Foreach) -> None:
        # The array may change on the way; what counts is what there was (VoiceXML 2.1 section 6).
        for index in range(min(await self._environment.length(action.array), MAX_ROUNDS)):
            await self._environment.element(action.item, action.array, index)
            await self.run(action.content)

    async def _script(self, action: Script, scope: ScopeName) -> None:
        source = action.source
        if action.target.address is not None or action.target.expr is not None:
            where = await self._session.address(action.line, action.element, action.target, action.fetch.base)
            source = await self._session.loader.script(where[0], seconds=self._seconds(action.fetch.timeout))
        await self._environment.script(scope, source or "")

    async def _data(self, action: Data) -> None:
        line, element, fetch = action.line, action.element, action.fetch
        address, _ = await self._session.address(line, element, action.target, fetch.base)
        found = await self._session.loader.resource(
            address,
            seconds=self._seconds(fetch.timeout),
            method=fetch.method,
            encoding=fetch.encoding,
            values=await self._session.sent(line, element, fetch),
            accept="application/xml, text/xml, application/json;q=0.9",
        )
        if action.name is not None:
            tree, value = data_of(found)
            await self._environment.data(action.name, tree=tree, value=value)

    async def _log(self, action: Log) -> None:
        words = [action.label]
        for piece in action.pieces:
            if isinstance(piece, Say):
                words.append(piece.text)
            elif isinstance(piece, SayValue):
                words.append(await self._session.text(action.line, action.element, piece.expr) or "")
        if action.expr is not None:
            words.append(await self._session.text(action.line, action.element, action.expr) or "")
        if not self._session.call.private:
            log.info("call %s: %s", self._session.call.id, loggable(" ".join(words).strip()))

    async def _event(self, action: Throw) -> Event:
        name, message = action.event, action.message
        if action.event_expr is not None:
            name = await self._session.text(action.line, action.element, action.event_expr)
        if action.message_expr is not None:
            message = await self._session.text(action.line, action.element, action.message_expr)
        if not name:
            raise Event("error.semantic", "There is no event to throw.", line=action.line, element=action.element)
        return Event(name, message or "", line=action.line, element=action.element, own=True)

    async def _goto(self, action: Goto) -> None:
        line, element = action.line, action.element
        if action.target.address is None and action.target.expr is None:
            item = action.item.address or await self._session.text(line, element, action.item.expr or "''")
            if item is None or item not in self._dialog.item_names:
                raise Event("error.badfetch", "This form has no such item; correct it.", line=line, element=element)
            raise GoToItem(item)
        address, fragment = await self._session.address(line, element, action.target, action.fetch.base)
        document = self._own(fragment)
        if address:
            document = await self._session.load(line, element, address, action.fetch, self._dialog.properties, {})
        self._lead(document, fragment, line, element)

    async def _submit(self, action: Submit) -> None:
        line, element, fetch = action.line, action.element, action.fetch
        address, fragment = await self._session.address(line, element, action.target, fetch.base)
        if not address:
            raise Event("error.badfetch", "Only another document can be sent to.", line=line, element=element)
        named = [name for name in self._dialog.item_names if not name.startswith("#")]
        sent = await self._session.sent(line, element, fetch, named)
        document = await self._session.load(line, element, address, fetch, self._dialog.properties, sent)
        self._lead(document, fragment, line, element)

    def _own(self, fragment: str) -> Document:
        """The document that a fragment alone means: this one, or the root document whose content is run here."""
        root = self._dialog.root
        if root is not None and self._dialog.document.form(fragment) is None and root.form(fragment) is not None:
            return root
        return self._dialog.document

    def _lead(self, document: Document, fragment: str, line: int, element: str) -> None:
        if document.form(fragment) is None:
            message = (
                f"There is no form with the id {fragment[:40]!r} there." if fragment else "There is no form there."
            )
            raise Event("error.badfetch", message, line=line, element=element)
        raise GoTo(document, fragment)

    def _seconds(self, timeout: float | None) -> float:
        return self._dialog.properties.seconds("fetchtimeout") if timeout is None else timeout
