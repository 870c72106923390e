"""What the dialogs of one call share: its variables, its prompts, what was asked and answered, and its limits."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from calloff.voice.content import Fetch, Target
from calloff.voice.document import Document
from calloff.voice.events import Event, Failed
from calloff.voice.expressions import Environment, ExpressionError
from calloff.voice.line import HungUp, Line
from calloff.voice.loader import Loader
from calloff.voice.outcome import CallInfo, Fault
from calloff.voice.prompts import PromptQueue
from calloff.voice.properties import PropertyChain
from calloff.voice.web import WebError, resolve


class Session:
    """One call and its application."""

    def __init__(
        self, line: Line, call: CallInfo, environment: Environment, queue: PromptQueue, loader: Loader
    ) -> None:
        self.line = line
        self.call = call
        self.environment = environment
        self.queue = queue
        self.loader = loader
        self.asked: dict[str, None] = {}
        self.collected: dict[str, str] = {}
        self.returned: dict[str, str] | None = None
        """Exactly what the application returns, if it says so."""
        self.fault: Fault | None = None
        self.failed = False
        self.has_hung_up = False
        """The leg is over; what still runs can say and hear nothing."""
        self._steps = 0
        self._waited = 0.0
        self._callee_type = ""

    async def begin(self) -> None:
        """Let expressions see the call (VoiceXML 2.0 section 5.1.4)."""
        await self.environment.set("session", "sessionid", self.call.id)
        telephone = {"ani": self.call.local, "dnis": self.call.remote}
        await self.environment.set("session", "telephone", telephone)
        await self._see_callee()

    async def step(self, line: int, element: str) -> None:
        """Count a step, and let expressions see who answered as far as it is known by now. Raises `Failed`."""
        self._steps += 1
        if self._steps > self.call.limits.steps:
            message = f"It took {self.call.limits.steps} steps; it may be going round in circles."
            raise Failed(Event("error.limit", message, line=line, element=element))
        await self._see_callee()

    async def holds(self, line: int, element: str, cond: str | None) -> bool:
        """Whether a condition holds; none always does."""
        if cond is None:
            return True
        await self.step(line, element)
        with self.blaming(line, element):
            return await self.environment.truth(cond)

    async def text(self, line: int, element: str, expr: str) -> str | None:
        """The value of an expression as text."""
        await self.step(line, element)
        with self.blaming(line, element):
            return await self.environment.text(expr)

    async def texts(self, line: int, element: str, names: Sequence[str]) -> dict[str, str]:
        """The variables that have a value, by name."""
        found = {name: await self.text(line, element, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    @contextmanager
    def blaming(self, line: int, element: str) -> Iterator[None]:
        """What goes wrong within is an event that names this place."""
        try:
            yield
        except ExpressionError as error:
            raise Event("error.semantic", error.message, line=line, element=element) from None
        except WebError as error:
            name = "error.badfetch" if error.status is None else f"error.badfetch.http.{error.status}"
            raise Event(name, error.message, line=line, element=element) from None

    async def address(self, line: int, element: str, target: Target, base: str) -> tuple[str, str]:
        """Where an element leads: the address, empty for the same document, and the fragment."""
        address = target.address
        if address is None:
            address = await self.text(line, element, target.expr or "''")
        if not address:
            raise Event("error.semantic", "There is no address to go to.", line=line, element=element)
        if address.startswith("#"):
            return "", address[1:]
        try:
            return resolve(base, address)
        except ValueError:
            raise Event(
                "error.badfetch", "The address cannot be read; correct it.", line=line, element=element
            ) from None

    async def sent(self, line: int, element: str, fetch: Fetch, default: Sequence[str] = ()) -> dict[str, str]:
        """The variables that a request takes along."""
        return await self.texts(line, element, default if fetch.names is None else fetch.names)

    async def load(
        self, line: int, element: str, address: str, fetch: Fetch, properties: PropertyChain, sent: dict[str, str]
    ) -> Document:
        """The document at an address."""
        await self.step(line, element)
        seconds = properties.seconds("fetchtimeout") if fetch.timeout is None else fetch.timeout
        with self.blaming(line, element):
            return await self.loader.document(
                address, seconds=seconds, method=fetch.method, encoding=fetch.encoding, values=sent
            )

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time in which keys are waited for. Raises `Failed` once it is too long."""
        began = time.monotonic()
        try:
            yield
            self._waited = 0.0
        except Event:
            self._waited += time.monotonic() - began
            if self._waited > self.call.limits.waiting:
                seconds = self.call.limits.waiting
                message = f"It waited for keys for {seconds:.0f} s, and asks on; let it end after a few tries."
                raise Failed(Event("error.limit", message)) from None
            raise

    def note(self, event: Event) -> None:
        """Remember the first error."""
        if self.fault is None:
            # What went wrong may quote a value, and those of private calls are kept nowhere.
            message = "Why is not kept for this call." if self.call.private else event.message
            self.fault = Fault(event.name, event.element, event.line, message or "The application threw it.")

    def check(self) -> None:
        """Raises `HungUp` once nobody can hear or press anything any more."""
        if self.has_hung_up:
            raise HungUp

    async def _see_callee(self) -> None:
        callee_type = str(self.line.callee_type)
        if callee_type == self._callee_type:
            return
        self._callee_type = callee_type
        connection = {
            "remote": {"uri": f"tel:{self.call.remote}"},
            "local": {"uri": f"tel:{self.call.local}"},
            "protocol": {"name": "sip", "version": "2.0"},
            "callee_type": callee_type,
        }
        await self.environment.set("session", "connection", connection)


def loggable(text: str) -> str:
    """`text` on one line, with long numbers masked but for their last two digits."""
    line = "".join(character if character.isprintable() else " " for character in text[:500])
    return re.sub(r"\d{5,}(?=\d\d)", lambda digits: "*" * len(digits[0]), line)


async def until_hung_up(line: Line, work: "asyncio.Task[None]") -> None:
    """Wait for `work`. Raises `HungUp` as soon as the leg ends, whatever is being fetched or spoken then."""
    ended = asyncio.create_task(line.wait_ended())
    try:
        await asyncio.wait((work, ended), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise HungUp
    finally:
        work.cancel()
        ended.cancel()
        await asyncio.gather(work, ended, return_exceptions=True)
