"""The dialer's side of the media engine: start it, open a session for each call, and hear what happens.

    engine = MediaEngine(MediaSettings("192.0.2.10"))
    await engine.start()
    session = engine.open(on_event)          # before the INVITE; its SDP names `session.port`
    session.update(Agreement(remote=...))    # when an answer has come, and again whenever another one does
    session.play(Sound(pcm), barge_in=True)  # ... on_event(Key("1", ...)), on_event(Played(...))
    session.close()                          # ... on_event(Closed(statistics)): the last one

Every method but `start` and `stop` returns at once; messages leave together, at the end of the event loop's turn.
Events of a session come in their order, on the event loop. Nothing here is done for each packet, except for
sessions that read sound (`listen`), which get it in one piece for all of them.
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import weakref

from calloff.media.agreement import MediaSettings, MediaUnavailable
from calloff.media.events import Closed, Lost, unpack_event
from calloff.media.ports import PortRange
from calloff.media.session import OnEvent, Session
from calloff.media.sound import FRAME_BYTES, Codec, Sound
from calloff.media.wire import Inbox, Message, Outbox

_PIECE = 1 << 16
_PAUSE_BEFORE_RESTART = 0.5
_LONGEST_START = 30.0
_log = logging.getLogger(__name__)


class MediaEngine:
    """One engine process and its sessions. If the process dies, every session is `Lost`, and a new one is started."""

    def __init__(self, settings: MediaSettings) -> None:
        self._settings = settings
        self._ports = PortRange(settings.local_address, settings.ports, settings.dscp)
        self._sessions: dict[int, Session] = {}
        self._handles: weakref.WeakKeyDictionary[Sound, dict[Codec, int]] = weakref.WeakKeyDictionary()
        self._next_session = 0
        self._next_handle = 0
        self._process: asyncio.subprocess.Process | None = None
        self._sock: socket.socket | None = None
        self._outbox: Outbox | None = None
        self._inbox: Inbox | None = None
        self._flushing = False
        self._ready: asyncio.Future[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.deaths = 0
        """How often the process has died since `start`."""

    @property
    def open_sessions(self) -> int:
        """Sessions that are not closed."""
        return sum(session.is_open for session in self._sessions.values())

    @property
    def is_running(self) -> bool:
        """Whether sessions can be opened now."""
        return self._ready is not None and self._ready.done() and self._outbox is not None

    @property
    def process_id(self) -> int | None:
        """Of the engine's process, as long as there is one."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and wait until it works. Raises `MediaUnavailable`."""
        if self._keeping is None:
            self._loop = asyncio.get_running_loop()
            await self._spawn()
            self._keeping = self._loop.create_task(self._keep())

    async def stop(self) -> None:
        """Lose what is open and end the process; a second call does nothing."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
        await self._end()

    def open(self, on_event: OnEvent) -> Session:
        """Take a pair of ports for a call, which works from now on. Raises `MediaUnavailable`."""
        if not self.is_running or self._outbox is None:
            raise MediaUnavailable("The media engine is not running; it is started again within a second.")
        if len(self._sessions) >= self._settings.max_calls:
            raise MediaUnavailable("The media engine has all the calls that it may hold; wait for one to end.")
        rtp, rtcp = self._ports.take()
        self._next_session += 1
        session = Session(self, self._next_session, (rtp.getsockname()[1], rtcp.getsockname()[1]), on_event)
        self._sessions[session.number] = session
        self._outbox.add_sockets([rtp, rtcp], "open", session.number)
        self._flush_soon()
        return session

    def send(self, command: str, *arguments: object) -> None:
        """Put a command into the next batch; for sessions only."""
        if self._outbox is not None:
            self._outbox.add(command, *arguments)
            self._flush_soon()

    def handle_of(self, sound: Sound, codec: Codec) -> int:
        """The number under which the engine has `sound`; for sessions only."""
        handles = self._handles.setdefault(sound, {})
        if codec not in handles:
            self._next_handle += 1
            handles[codec] = self._next_handle
            encoded = sound.encoded(codec)
            for start in range(0, len(encoded) or 1, _PIECE):
                self.send("sound", self._next_handle, int(codec), encoded[start : start + _PIECE])
            weakref.finalize(sound, self._forget_soon, self._next_handle).atexit = False
        return handles[codec]

    def _forget_soon(self, handle: int) -> None:
        """Sounds end in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.send, "forget", handle)

    def _flush_soon(self) -> None:
        if not self._flushing and self._loop is not None:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._outbox is None or self._sock is None or self._loop is None:
            return
        try:
            emptied = self._outbox.flush()
        except OSError:
            return  # The process is gone, which its socket's end tells, too.
        if emptied:
            self._loop.remove_writer(self._sock)
        else:
            self._loop.add_writer(self._sock, self._flush)

    async def _spawn(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "calloff.media",
                str(theirs.fileno()),
                str(self._settings.max_calls),
                str(os.getpid()),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        ours.setblocking(False)
        self._sock, self._outbox, self._inbox = ours, Outbox(ours), Inbox(ours)
        self._ready = loop.create_future()
        loop.add_reader(ours, self._receive)
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), _LONGEST_START)
        except (TimeoutError, MediaUnavailable) as error:
            await self._end()
            raise MediaUnavailable("The media engine's process does not start; see its messages in the log.") from error

    async def _keep(self) -> None:
        """Start the process anew whenever it has died."""
        while True:
            assert self._process is not None
            code = await self._process.wait()
            self.deaths += 1
            _log.error("the media engine's process has ended with %s; its calls are lost", code)
            await self._end()
            while True:
                try:
                    await self._spawn()
                    break
                except (MediaUnavailable, OSError) as error:
                    _log.error("the media engine cannot be started: %s", error)
                    await asyncio.sleep(_PAUSE_BEFORE_RESTART)

    async def _end(self) -> None:
        self._cut()
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _cut(self) -> None:
        """Forget the process that is gone or has to go; its sessions are lost."""
        if self._sock is not None and self._loop is not None:
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
        if self._outbox is not None:
            self._outbox.drop()
        self._sock = self._outbox = self._inbox = None
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(MediaUnavailable("The media engine's process has ended."))
        self._handles.clear()
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            session.deliver(Lost())

    def _receive(self) -> None:
        if self._inbox is None:
            return
        try:
            messages = self._inbox.receive()
        except EOFError:
            self._cut()
            return
        for message in messages:
            self._take(message)

    def _take(self, message: Message) -> None:
        match message:
            case ["event", int(number), list(packed)]:
                event = unpack_event(packed)
                session = self._sessions.get(number)
                if session is not None:
                    if isinstance(event, Closed):
                        del self._sessions[number]
                    session.deliver(event)
            case ["sound", list(numbers), bytes(pcm)]:
                for index, number in enumerate(numbers):
                    if session := self._sessions.get(number):
                        session.hear(pcm[index * FRAME_BYTES : (index + 1) * FRAME_BYTES])
            case ["ready"]:
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(None)
            case _:
                _log.warning("the media engine said something that is not understood")
