"""The far end of a SIP call in a test: SIPp with one of the scenarios in `sipp/`, and what it saw on the wire."""

import asyncio
import contextlib
import itertools
import random
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

SCENARIOS = Path(__file__).parent / "sipp"
_MESSAGE = re.compile(r"^-{20,}[^\n]*\n[^\n]*message (received|sent)[^\n]*\n\n", re.MULTILINE)


@dataclass(frozen=True)
class Message:
    """One SIP message that the far end received (`inward`) or sent."""

    inward: bool
    text: str

    @property
    def first_line(self) -> str:
        return self.text.split("\r\n", 1)[0].split("\n", 1)[0]

    @property
    def method(self) -> str:
        """The method of a request, or the status code of a response."""
        first = self.first_line.split(" ")
        return first[1] if first[0] == "SIP/2.0" else first[0]

    def header(self, name: str) -> str:
        """The value of a header; `AttributeError` without it, so that a test fails."""
        match = re.search(rf"^{name}: *(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        assert match is not None, f"no {name} in {self.text}"
        return match[1]

    def has(self, name: str) -> bool:
        return re.search(rf"^{name}:", self.text, re.MULTILINE | re.IGNORECASE) is not None


class FarEnd:
    """A running SIPp."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, port: int) -> None:
        self._process = process
        self._log = log
        self.port = port

    async def finish(self) -> None:
        """Wait until SIPp's scenario has run to its end; fails if anything else came than the scenario says."""
        out, _ = await asyncio.wait_for(self._process.communicate(), 15)
        assert self._process.returncode == 0, (
            f"SIPp did not see what its scenario says:\n{self._log.read_text()}{out!r}"
        )

    def messages(self) -> list[Message]:
        """All messages so far, in order."""
        parts = _MESSAGE.split(self._log.read_text()) if self._log.exists() else [""]
        return [Message(kind == "received", text) for kind, text in zip(parts[1::2], parts[2::2], strict=True)]

    async def wait_until(self, condition: Callable[[list[Message]], bool]) -> None:
        """Wait until the messages fulfil `condition`; fails after ten seconds."""
        async with asyncio.timeout(10):
            while not condition(self.messages()):
                await asyncio.sleep(0.02)

    def received(self, method: str) -> list[Message]:
        """Requests that came, retransmissions left out (RFC 3261 section 17.2.3)."""
        seen = {m.header("Via") + m.header("CSeq"): m for m in self.messages() if m.inward and m.method == method}
        return list(seen.values())


@asynccontextmanager
async def far_end(
    scenario: str,
    directory: Path,
    *,
    calls: int = 1,
    repeats: bool = False,
    rtp_port: int = 9,
    transport: str = "u1",
    **keys: str,
) -> AsyncIterator[FarEnd]:
    """Run SIPp on a free port of loopback for `calls` calls, with a file of `sipp/` or a `script`.

    `rtp_port` and `keys` fill in [rtp], [status] and so on.
    SIPp takes a message that is the same as the last one for a retransmission and hides it, unless `repeats`.
    """
    port = free_port()
    script, log = directory / f"{port}.xml", directory / f"{port}.log"
    text = scenario if scenario.startswith("<") else (SCENARIOS / f"{scenario}.xml").read_text()
    for name, value in {"rtp": str(rtp_port), **keys}.items():
        text = text.replace(f"[{name}]", value)
    script.write_text(text)
    arguments = ["-sf", str(script), "-i", "127.0.0.1", "-p", str(port), "-t", transport]
    arguments += [
        "-m",
        str(calls),
        "-nostdin",
        "-trace_msg",
        "-message_file",
        str(log),
        "-timeout",
        "15s",
        "-timeout_error",
    ]
    arguments += ["-nr"] if repeats else []
    process = await asyncio.create_subprocess_exec(
        "sipp", *arguments, cwd=directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        await _bound(process, port, "tcp" if transport.startswith("t") else "udp")
        yield FarEnd(process, log, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def free_port() -> int:
    """A port of loopback that was free a moment ago, for UDP and TCP, and so was the next one.

    It is none of those that the system gives to whoever asks for any port, nor one of RTP's.
    """
    while True:
        port = random.randrange(20_002, 32_766, 2)
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for kind, offset in itertools.product((socket.SOCK_DGRAM, socket.SOCK_STREAM), (0, 1)):
                probes.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port + offset))
            return port


async def _bound(process: asyncio.subprocess.Process, port: int, protocol: str) -> None:
    table = Path(f"/proc/net/{protocol}")
    while f":{port:04X} 00000000:0000" not in table.read_text():
        if process.returncode is not None:
            out, _ = await process.communicate()
            raise AssertionError(f"SIPp does not start: {out.decode()}")
        await asyncio.sleep(0.005)
