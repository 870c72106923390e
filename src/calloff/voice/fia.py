"""The form interpretation algorithm (VoiceXML 2.0 section 2.1.6 and appendix C)."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from calloff.voice.content import Content
from calloff.voice.document import (
    Asking,
    Block,
    Choice,
    Document,
    Field,
    Filled,
    Form,
    Handler,
    Initial,
    Item,
    KeyGrammar,
    Link,
    Record,
    Subdialog,
    Transfer,
)
from calloff.voice.events import Ended, Event, Failed, GoTo, GoToItem, prefixes, takes
from calloff.voice.execute import Executor
from calloff.voice.grammars import Grammar, Matching
from calloff.voice.handing import unsupported
from calloff.voice.interpretation import meaning
from calloff.voice.keys import Active, collect
from calloff.voice.properties import PropertyChain
from calloff.voice.session import Session
from calloff.voice.srgs import SpeechGrammar

UNHANDLED_TRIES = 3
"""How often a question without `noinput` or `nomatch` is put before the application ends."""

RunSubdialog = Callable[[Document, str, Subdialog], Awaitable[None]]


class Dialogue:
    """One visit of a form."""

    def __init__(
        self, session: Session, document: Document, root: Document | None, form: Form, run_subdialog: RunSubdialog
    ) -> None:
        self.document = document
        self.root = root
        self._session = session
        self._environment = session.environment
        self._form = form
        self._run_subdialog = run_subdialog
        self._executor = Executor(session, self)
        self._item: Item | None = None
        self._prompts: Counter[str] = Counter()
        self._events: Counter[tuple[str, str]] = Counter()
        self._unhandled: Counter[str] = Counter()
        self._is_silent = False
        """The last visit ended in a handler, so the question is not repeated."""

    @property
    def properties(self) -> PropertyChain:
        """What is in force for the item that is visited."""
        own = self._item.properties if isinstance(self._item, Asking) else {}
        above = () if self.root is None else (self.root.properties,)
        return PropertyChain(own, self._form.properties, self.document.properties, *above)

    @property
    def choices(self) -> Sequence[Choice]:
        """What `<enumerate>` lists."""
        return self._item.choices if isinstance(self._item, Field) else ()

    @property
    def item_names(self) -> Sequence[str]:
        return [item.name for item in self._form.items]

    def reprompt(self) -> None:
        """Ask the next question aloud, though a handler was run."""
        self._is_silent = False

    def forget(self, names: Sequence[str]) -> None:
        """Count the prompts and events of items anew."""
        for name in names:
            del self._prompts[name]
        for key in [key for key in self._events if key[0] in names]:
            del self._events[key]

    async def run(self, answer: Matching | None = None) -> None:
        """Visit the form's items until none is left. Raises what leads away; `answer` was given on the way here."""
        await self._environment.begin("dialog")
        item: Item | None = None
        try:
            await self._initialize()
            if answer is not None:
                await self._fill_form(answer)
        except Event as event:
            item = await self._handled(event)
        item = item or await self._select()
        while item is not None:
            self._item = item
            next_item: Item | None = None
            try:
                await self._visit(item)
            except GoToItem as goto:
                next_item = self._go_to(goto)
            except Event as event:
                next_item = await self._handled(event)
            item = next_item or await self._select()
        self._item = None

    async def keep_answers(self) -> None:
        """Remember the filled fields."""
        names = [each.name for each in self._form.items if isinstance(each, Field) and not each.name.startswith("#")]
        texts = await self._environment.texts([f"dialog.{name}" for name in names])
        self._session.collected.update(
            {name: text for name, text in zip(names, texts, strict=True) if text is not None}
        )

    async def handle(self, event: Event) -> None:
        """Run the handler of an event. Raises what leads away, `Failed` where an error has no handler."""
        await self._environment.begin("anonymous")
        name = self._item.name if self._item is not None else ""
        for prefix in prefixes(event.name):
            self._events[name, prefix] += 1
        handler = await self._handler(event, name)
        if event.is_fault:
            self._session.note(event)
        if handler is None:
            await self._default(event, name)
            return
        self._is_silent = True
        await self._environment.set("anonymous", "_event", event.name)
        await self._environment.set("anonymous", "_message", event.message or None)
        try:
            await self._executor.run(handler.content)
        except Ended:
            self._session.failed = self._session.failed or event.is_fault
            raise

    async def has_handler(self, event: Event) -> bool:
        """Whether the application does anything about an event."""
        return await self._handler(event, self._item.name if self._item is not None else "", counted=False) is not None

    async def _handler(self, event: Event, name: str, *, counted: bool = True) -> Handler | None:
        """The innermost handler with the highest count that has been reached (section 5.2.4)."""
        own = self._item.handlers if isinstance(self._item, Asking) else ()
        above = () if self.root is None else self.root.handlers
        counts = {prefix: self._events[name, prefix] if counted else 1 for prefix in prefixes(event.name)}
        best: Handler | None = None
        for handler in (*own, *self._form.handlers, *self.document.handlers, *above):
            if best is not None and handler.count <= best.count:
                continue
            if takes(handler, event.name, counts) and await self._session.holds(
                handler.line, handler.element, handler.cond
            ):
                best = handler
        return best

    async def _handled(self, event: Event) -> Item | None:
        """Run an event's handler, whose own events are handled, too; the item that it leads to."""
        while True:
            await self._session.step(event.line, event.element)
            try:
                await self.handle(event)
                return None
            except GoToItem as goto:
                return self._go_to(goto)
            except Event as following:
                event = following

    async def _default(self, event: Event, name: str) -> None:
        """What is done where the application has no handler (section 5.2.5)."""
        if event.name in ("noinput", "nomatch", "help"):
            self._unhandled[name] += 1
            if self._unhandled[name] >= UNHANDLED_TRIES:
                raise Ended(disconnect=False)
            self._is_silent = False
        elif event.name.startswith(("exit", "connection.disconnect", "telephone.disconnect")):
            raise Ended(disconnect=False)
        elif event.name != "cancel":
            raise Failed(event)

    def _go_to(self, goto: GoToItem) -> Item:
        self._is_silent = False
        return next(item for item in self._form.items if item.name == goto.item)

    async def _initialize(self) -> None:
        """Declare variables and items in document order."""
        for part in self._form.beginning:
            if isinstance(part, Item):
                await self._session.step(part.line, part.element)
                with self._session.blaming(part.line, part.element):
                    await self._environment.declare("dialog", part.name, part.expr)
            else:
                await self._executor.prepare(part, "dialog", takes=True)
        undeclared = await self._environment.undeclared()
        if undeclared:
            message = f"The subdialog has no variable {undeclared[0]!r}; declare it with <var>."
            raise Event("error.semantic", message, line=self._form.line, element="form")

    async def _select(self) -> Item | None:
        """The first item that is not filled and whose condition holds."""
        filled = await self._environment.defined(self.item_names)
        for item, is_filled in zip(self._form.items, filled, strict=True):
            await self._session.step(item.line, item.element)
            if not is_filled:
                self._item = item
                try:
                    if await self._session.holds(item.line, item.element, item.cond):
                        return item
                except Event as event:
                    led = await self._handled(event)
                    if led is not None:
                        return led
        return None

    async def _visit(self, item: Item) -> None:
        await self._session.step(item.line, item.element)
        await self._environment.begin("anonymous")
        if isinstance(item, Block):
            await self._environment.set("dialog", item.name, value=True)
            await self._executor.run(item.content)
        elif isinstance(item, Field | Initial):
            await self._ask(item)
        elif isinstance(item, Subdialog):
            await self._visit_subdialog(item)
        else:
            assert isinstance(item, Record | Transfer)
            await self._prompt(item)
            raise unsupported(item)

    async def _prompt(self, item: Asking) -> None:
        """Queue the prompts for this visit (section 4.1.6)."""
        if self._is_silent:
            self._is_silent = False
            return
        self._prompts[item.name] += 1
        possible = [
            prompt
            for prompt in item.prompts
            if prompt.count <= self._prompts[item.name]
            and await self._session.holds(prompt.line, prompt.element, prompt.cond)
        ]
        for prompt in possible:
            if prompt.count == max(each.count for each in possible):
                with self._session.blaming(prompt.line, prompt.element):
                    await self._session.queue.add(prompt, self.properties, self.choices)

    async def _ask(self, item: Field | Initial) -> None:
        self._session.check()
        await self._prompt(item)
        active = await self._active(item)
        queue = self._session.queue
        await queue.play()
        if not item.name.startswith("#"):
            self._session.asked[item.name] = None
        timeout, queue.timeout = queue.timeout, None
        with self._session.waiting():
            chosen, match = await collect(self._session.line, active, self.properties.timing(timeout))
        self._unhandled.clear()
        await self._answered(item, chosen, match)

    async def _active(self, item: Field | Initial) -> list[Active]:
        """All grammars that are listened to, the item's own first (section 3.1.4)."""
        active: list[Active] = []

        async def add(grammars: Sequence[KeyGrammar], origin: Choice | Link | None, level: str) -> None:
            for each in grammars:
                grammar = await self._grammar(each)
                if grammar is not None:
                    active.append(Active(grammar, origin or each, level))

        if isinstance(item, Field):
            await add(item.grammars, None, "item")
            for choice in item.choices:
                await add(choice.grammars, choice, "item")
            for link in item.links:
                await add(link.grammars, link, "item")
            if item.modal:
                return active
        await add(self._form.grammars, None, "form")
        above = (self.document,) if self.root is None else (self.document, self.root)
        for link in (*self._form.links, *(link for document in above for link in document.links)):
            await add(link.grammars, link, "form")
        for form in (form for document in above for form in document.forms if form is not self._form):
            await add([each for each in form.grammars if each.document_wide], None, f"#{form.id}")
        return active

    async def _grammar(self, given: KeyGrammar) -> Grammar | None:
        if given.grammar is not None:
            return given.grammar
        address, _ = await self._session.address(given.line, "grammar", given.target, given.base)
        seconds = self.properties.seconds("fetchtimeout") if given.fetch.timeout is None else given.fetch.timeout
        try:
            with self._session.blaming(given.line, "grammar"):
                return await self._session.loader.grammar(address, seconds=seconds)
        except SpeechGrammar as error:
            raise Event("error.unsupported.format", str(error), line=given.line, element="grammar") from None

    async def _answered(self, item: Field | Initial, chosen: Active, match: Matching) -> None:
        origin = chosen.origin
        if chosen.level.startswith("#"):
            document = self.document if self.document.form(chosen.level[1:]) is not None else self.root
            assert document is not None
            raise GoTo(document, chosen.level[1:], match)
        if isinstance(origin, Link) or (isinstance(origin, Choice) and origin.content):
            await self._fill(item.line, item.element, match, [], whole=False)
            await self._lead(origin.content)
        elif chosen.level == "form":
            await self._fill_form(match)
        else:
            assert isinstance(item, Field)
            given = origin.value if isinstance(origin, Choice) else None
            filled = await self._fill(
                item.line, item.element, match, [(item.name, item.slot)], whole=True, literal=given
            )
            await self._run_filled(filled)

    async def _lead(self, content: Content) -> None:
        await self._environment.begin("anonymous")
        await self._executor.run(content)

    async def _fill_form(self, match: Matching) -> None:
        """Fill all fields of the form that the answer has something for; none is a `nomatch`."""
        fields = [(item.name, item.slot) for item in self._form.items if isinstance(item, Field)]
        filled = await self._fill(self._form.line, "form", match, fields, whole=False)
        if not filled:
            raise Event("nomatch")
        for item in self._form.items:
            if isinstance(item, Initial):
                await self._environment.set("dialog", item.name, value=True)
        await self._run_filled(filled)

    async def _fill(
        self,
        line: int,
        element: str,
        match: Matching,
        fields: Sequence[tuple[str, str]],
        *,
        whole: bool,
        literal: str | None = None,
    ) -> list[str]:
        program, value = (None, literal) if literal is not None else meaning(match)
        with self._session.blaming(line, element):
            return await self._environment.fill(program, value, match.keys, fields, whole=whole)

    async def _run_filled(self, filled: Sequence[str]) -> None:
        """Run `filled` of the items and of the form, in document order (section 2.4)."""
        self._is_silent = False
        for item in self._form.items:
            if isinstance(item, Asking) and item.name in filled:
                for each in item.filled:
                    await self._run_one_filled(each)
        for each in self._form.filled:
            names = each.names or [item.name for item in self._form.items if isinstance(item, Asking)]
            named = [name for name in names if not self._is_initial(name)]
            if not set(named) & set(filled):
                continue
            if each.any_ or all(await self._environment.defined(named)):
                before, self._item = self._item, None
                await self._run_one_filled(each)
                self._item = before

    def _is_initial(self, name: str) -> bool:
        return any(item.name == name and isinstance(item, Initial) for item in self._form.items)

    async def _run_one_filled(self, filled: Filled) -> None:
        await self._environment.begin("anonymous")
        await self._executor.run(filled.content)

    async def _visit_subdialog(self, item: Subdialog) -> None:
        await self._prompt(item)
        line, element = item.line, item.element
        address, fragment = await self._session.address(line, element, item.target, item.fetch.base)
        document = self.document
        if address:
            sent = await self._session.sent(line, element, item.fetch)
            document = await self._session.load(line, element, address, item.fetch, self.properties, sent)
        if document.form(fragment) is None:
            raise Event("error.badfetch", "The subdialog has no such form.", line=line, element=element)
        await self._run_subdialog(document, fragment, item)
        await self._run_filled([item.name])
