"""Runs an application on a call: dialogs and documents one after the other, and never without a last word."""

import asyncio
import logging
from contextlib import suppress

from calloff.voice.document import Document, Subdialog
from calloff.voice.events import HANGUP, Ended, Event, Failed, GoTo, Returned, ReturnedEvent, Transition
from calloff.voice.execute import Executor
from calloff.voice.expressions import ExpressionError
from calloff.voice.farewell import end_without_environment, say_goodbye
from calloff.voice.fia import Dialogue
from calloff.voice.line import HungUp, Line
from calloff.voice.loader import Loader, ReadUpload
from calloff.voice.outcome import CallInfo, End, Fault, Limits, Outcome
from calloff.voice.prompts import Media, PromptQueue
from calloff.voice.session import Session, loggable, until_hung_up
from calloff.voice.variables import defaults
from calloff.voice.web import resolve

MAX_DEPTH = 10
"""How deep subdialogs may be nested."""
LAST_SECONDS = 10.0
"""How long an application may go on after the callee has hung up."""

log = logging.getLogger("calloff.application")

__all__ = ["CallInfo", "End", "Fault", "Limits", "Outcome", "run"]


async def run(document: Document, line: Line, call: CallInfo, media: Media, uploaded: ReadUpload) -> Outcome:
    """Run `document` until it ends, fails or is hung up on; the caller of this hangs up then.

    Never raises but for cancellation. `uploaded` reads the files that belong to the document.
    """
    try:
        environment = await media.evaluator.environment(with_defaults(document, call))
    except ExpressionError as error:
        log.error("call %s: %s", call.id, error.message)
        heard = await end_without_environment(line, media.speech, call, document.language)
        fault = Fault("error.noresource", "", 0, error.message)
        return Outcome(End.ERROR if heard else End.HANGUP, failed=True, fault=fault)
    queue = PromptQueue(line, media, environment, uploaded, private=call.private)
    session = Session(line, call, environment, queue, Loader(media.web, uploaded))
    try:
        return await _Interpreter(session, document, media).run()
    finally:
        queue.close()
        await environment.close()


def with_defaults(document: Document, call: CallInfo) -> dict[str, str]:
    """The call's variables, and the message's own defaults for those that are missing or empty."""
    given = {name: value for name, value in call.variables.items() if value}
    return {**call.variables, **defaults(document), **given}


class _Interpreter:
    def __init__(self, session: Session, document: Document, media: Media) -> None:
        self._session = session
        self._document = document
        self._media = media
        self._dialogues: list[Dialogue] = []
        self._roots: list[str | None] = [None]
        """Whose variables the application scope has, innermost subdialog last."""

    async def run(self) -> Outcome:
        session = self._session
        try:
            async with asyncio.timeout(session.call.limits.seconds):
                await until_hung_up(session.line, asyncio.create_task(self._run()))
            raise AssertionError("an application ends by a transition")
        except Ended as ended:
            end = End.DISCONNECT if ended.disconnect else End.EXIT
        except HungUp:
            end = await self._hung_up()
        except TimeoutError:
            end = await self._fail(Event("error.limit", f"It ran longer than {session.call.limits.seconds:.0f} s."))
        except Failed as failed:
            end = await self._fail(failed.event)
        except Exception:
            log.exception("call %s: the application broke off", session.call.id)
            end = await self._fail(Event("error.internal", "Something is wrong inside Calloff; its log tells more."))
        await self._keep_answers()
        collected = session.collected if session.returned is None else session.returned
        return Outcome(end, session.failed, tuple(session.asked), dict(collected), session.fault)

    async def _run(self) -> None:
        """Run the application to its end, and say what is still queued then."""
        try:
            await self._session.begin()
            await self._run_dialogs(self._document, "")
        except (Ended, Returned, ReturnedEvent) as ended:
            await self._play_out()
            raise ended if isinstance(ended, Ended) else Ended(disconnect=False) from None
        await self._play_out()
        raise Ended(disconnect=False)

    async def _play_out(self) -> None:
        queue = self._session.queue
        try:
            await queue.play_out()
        except Event as event:
            raise Failed(event) from None
        if queue.lost is not None and not queue.has_played:
            message = "Its recordings could not be had, so nothing was heard."
            raise Failed(Event("error.badfetch", message, line=queue.lost.line, element="audio"))

    async def _run_dialogs(self, document: Document, name: str) -> None:
        """Run dialogs, from one of `document` on, until one ends or returns. Raises what ends them."""
        goto = GoTo(document, name)
        current: Document | None = None
        while True:
            form = goto.document.form(goto.form)
            if form is None:
                raise Failed(Event("error.badfetch", "There is no form to run.", line=1, element="vxml"))
            if goto.document is not current:
                root = await self._begin_document(goto.document)
                current = goto.document
            dialogue = Dialogue(self._session, goto.document, root, form, self._run_subdialog)
            self._dialogues.append(dialogue)
            try:
                await dialogue.run(goto.answer)
                return
            except GoTo as following:
                await self._done(dialogue)
                goto = following
            except (Returned, ReturnedEvent):
                await self._done(dialogue)
                raise

    async def _done(self, dialogue: Dialogue) -> None:
        """Leave a dialogue. One that ends otherwise stays the last, for whoever asks then what was going on."""
        await dialogue.keep_answers()
        self._dialogues.remove(dialogue)

    async def _begin_document(self, document: Document) -> Document | None:
        """Declare a document's variables, those of its root document before; the root document."""
        environment = self._session.environment
        root: Document | None = None
        scratch = document.forms[0]
        if document.root is not None:
            address, _ = resolve(document.base, document.root)
            root = await self._load_root(address)
            if self._roots[-1] != address:
                await environment.begin("application")
                await environment.begin("document", shared=True)
                await self._prepare(root, Dialogue(self._session, root, None, scratch, self._run_subdialog))
                self._roots[-1] = address
            await environment.begin("document")
        else:
            await environment.begin("application")
            await environment.begin("document", shared=True)
            self._roots[-1] = document.base or None
        await self._prepare(document, Dialogue(self._session, document, root, scratch, self._run_subdialog))
        return root

    async def _prepare(self, document: Document, dialogue: Dialogue) -> None:
        executor = Executor(self._session, dialogue)
        try:
            for part in document.beginning:
                await executor.prepare(part, "document")
        except Event as event:
            # There is no form yet; handlers of the document may still take it.
            await dialogue.handle(event)

    async def _load_root(self, address: str) -> Document:
        try:
            return await self._session.loader.document(address, seconds=10.0)
        except Exception as error:
            message = getattr(error, "message", "The root document cannot be loaded.")
            raise Failed(Event("error.badfetch", message, line=1, element="vxml")) from None

    async def _run_subdialog(self, document: Document, name: str, item: Subdialog) -> None:
        """Run a subdialog, and fill the item with what it returns."""
        environment = self._session.environment
        if len(self._roots) > MAX_DEPTH:
            message = f"Subdialogs are nested deeper than {MAX_DEPTH}."
            raise Event("error.semantic", message, line=item.line, element=item.element)
        with self._session.blaming(item.line, item.element):
            await environment.enter(item.params)
        self._roots.append(None)
        event: Event | None = None
        try:
            await self._run_dialogs(document, name)
        except Returned as returned:
            with self._session.blaming(item.line, item.element):
                await environment.leave(item.name, returned.names)
            return
        except ReturnedEvent as returned:
            event = returned.event
        finally:
            self._roots.pop()
        if event is None:
            # A subdialog that comes to its end without a return ends the application, as an exit would.
            raise Ended(disconnect=False)
        await environment.leave(item.name, None)
        raise event

    async def _hung_up(self) -> End:
        """Let the application have its last word for its own purposes (VoiceXML 2.0 section 1.5.4)."""
        session = self._session
        session.has_hung_up = True
        session.queue.close()
        dialogue = self._dialogues[-1] if self._dialogues else None
        event = Event(HANGUP, "The callee hung up.")
        try:
            async with asyncio.timeout(LAST_SECONDS):
                if dialogue is not None and await dialogue.has_handler(event):
                    await self._finish(dialogue, event)
        except (HungUp, Transition):
            pass
        except Failed as failed:
            session.note(failed.event)
        except (Event, TimeoutError) as error:
            message = "It went on for too long after the callee had hung up."
            session.note(error if isinstance(error, Event) else Event("error.limit", message))
        except Exception:
            log.exception("call %s: the application broke off after its end", session.call.id)
        return End.HANGUP

    async def _finish(self, dialogue: Dialogue, event: Event) -> None:
        while True:
            try:
                await dialogue.handle(event)
                return
            except GoTo as goto:
                await self._done(dialogue)
                await self._run_dialogs(goto.document, goto.form)
                return
            except Event as following:
                event = following

    async def _fail(self, event: Event) -> End:
        """Say what is queued, and a closing sentence; where nothing can be spoken, three beeps."""
        session = self._session
        session.failed = True
        session.note(event)
        log.warning("call %s: the application failed: %s", session.call.id, loggable(str(session.fault)))
        if session.has_hung_up:
            return End.HANGUP
        language = self._dialogues[-1].document.language if self._dialogues else self._document.language
        goodbye = say_goodbye(session.line, session.queue, self._media.speech, session.call, language)
        try:
            await until_hung_up(session.line, asyncio.create_task(goodbye))
        except HungUp:
            return End.HANGUP
        return End.ERROR

    async def _keep_answers(self) -> None:
        if self._dialogues:
            with suppress(ExpressionError):
                await self._dialogues[-1].keep_answers()
