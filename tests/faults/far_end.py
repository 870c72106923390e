"""A far end with a log of the wire: answers, refuses, rings or keeps silent, and writes down every INVITE.

`python -m tests.faults.far_end DESCRIPTOR LOG SEED LOSS` serves an open UDP socket. What becomes of a number depends on
the seed and the number alone, so that a run can be repeated; `LOSS` is the share of packets lost in each direction.
"""

import asyncio
import random
import re
import socket
import sys
import time
from pathlib import Path

from tests.faults.history import Invite

_HEADER = re.compile(r"^([A-Za-z-]+)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_BRANCH = re.compile(r"branch=([^;,\s]+)")
_USER = re.compile(r"sips?:([^@;>]+)@")


class FarEnd:
    """The far end of a trunk, on a socket that is bound already."""

    def __init__(self, sock: socket.socket, log: Path, seed: int, loss: float) -> None:
        self._socket = sock
        self._log = log.open("a", buffering=1, encoding="ascii")
        self._seed = seed
        self._loss = loss
        self._chance = random.Random(seed)
        self._last: dict[str, tuple[bytes, tuple[str, int]]] = {}
        """By Call-ID, the latest response to its INVITE; a copy of the INVITE gets it again."""
        self._acknowledged: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Answer until the process is ended."""
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        await asyncio.Event().wait()

    def _read(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(65535)
            except BlockingIOError:
                return
            if self._chance.random() < self._loss:
                # It left all the same: what was lost on the way is a ring that did not happen by luck alone.
                self._note(data.decode("latin-1"))
                continue
            self._take(data.decode("latin-1"), source)

    def _take(self, text: str, source: tuple[str, int]) -> None:
        method = text.split(" ", 1)[0]
        headers = _headers(text)
        call_id = headers.get("call-id", "")
        if method == "INVITE":
            self._note(text)
            if call_id in self._last:
                self._send(*self._last[call_id])
            else:
                self._begin(text, headers, source)
        elif method == "ACK":
            self._acknowledged.add(call_id)
        elif method == "CANCEL":
            self._send(_response(headers, 200, "OK"), source)
            self._finish(call_id, headers, 487, "Request Terminated")
        elif method in ("BYE", "OPTIONS"):
            self._acknowledged.add(call_id)
            self._send(_response(headers, 200, "OK"), source)

    def _note(self, text: str) -> None:
        if not text.startswith("INVITE "):
            return
        headers = _headers(text)
        user, branch = _USER.search(text), _BRANCH.search(headers.get("via", ""))
        if user and branch and "tag=" not in headers.get("to", ""):
            self._log.write(f"{user[1]} {headers['call-id']} {branch[1]} {time.time():.6f}\n")

    def _begin(self, text: str, headers: dict[str, str], source: tuple[str, int]) -> None:
        user = _USER.search(text)
        fate = random.Random(f"{self._seed} {user[1] if user else ''}")
        kind = fate.choices(["answer", "busy", "no answer", "silent", "unavailable"], [40, 20, 15, 15, 10])[0]
        self._last[headers["call-id"]] = (_response(headers, 100, "Trying"), source)
        if kind == "silent":
            del self._last[headers["call-id"]]
            return
        self._send(*self._last[headers["call-id"]])
        task = asyncio.get_running_loop().create_task(self._follow(kind, fate, headers, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, kind: str, fate: random.Random, headers: dict[str, str], source: tuple[str, int]) -> None:
        call_id = headers["call-id"]
        if kind in ("answer", "no answer"):
            self._answer(call_id, _response(headers, 180, "Ringing"), source)
        await asyncio.sleep(fate.uniform(0.0, 0.4))
        match kind:
            case "busy":
                self._finish(call_id, headers, 486, "Busy Here")
            case "unavailable":
                self._finish(call_id, headers, 503, "Service Unavailable")
            case "no answer":
                await asyncio.sleep(fate.uniform(0.5, 1.5))
                self._finish(call_id, headers, 480, "Temporarily Unavailable")
            case _:
                self._finish(call_id, headers, 200, "OK", _SDP)

    def _finish(self, call_id: str, headers: dict[str, str], status: int, phrase: str, body: str = "") -> None:
        """The final response, of which there is one; it is repeated until it is acknowledged."""
        if call_id not in self._last or self._last[call_id][0].split(b" ", 2)[1] >= b"200":
            return
        source = self._last[call_id][1]
        invite = {**headers, "cseq": headers["cseq"].replace("CANCEL", "INVITE")}
        self._answer(call_id, _response(invite, status, phrase, body), source)
        task = asyncio.get_running_loop().create_task(self._repeat(call_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _repeat(self, call_id: str) -> None:
        pause = 0.5
        while call_id not in self._acknowledged and pause < 8:
            await asyncio.sleep(pause)
            pause *= 2
            if call_id not in self._acknowledged:
                self._send(*self._last[call_id])

    def _answer(self, call_id: str, response: bytes, source: tuple[str, int]) -> None:
        self._last[call_id] = (response, source)
        self._send(response, source)

    def _send(self, data: bytes, source: tuple[str, int]) -> None:
        if self._chance.random() >= self._loss:
            self._socket.sendto(data, source)


def read_log(log: Path) -> list[Invite]:
    """Every INVITE that was written down."""
    lines = (line.split() for line in log.read_text(encoding="ascii").splitlines())
    return [Invite(number, call_id, branch, float(at)) for number, call_id, branch, at in lines]


def _headers(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _HEADER.findall(text.partition("\r\n\r\n")[0].replace("\r\n", "\n")):
        found.setdefault(_COMPACT.get(name.lower(), name.lower()), value)
    return found


def _response(headers: dict[str, str], status: int, phrase: str, body: str = "") -> bytes:
    is_tagged = status == 100 or "tag=" in headers["to"]
    to = headers["to"] if is_tagged else f"{headers['to']};tag=far{headers['call-id'][:8]}"
    lines = [
        f"SIP/2.0 {status} {phrase}",
        f"Via: {headers['via']}",
        f"From: {headers['from']}",
        f"To: {to}",
        f"Call-ID: {headers['call-id']}",
        f"CSeq: {headers['cseq']}",
        "Contact: <sip:far@127.0.0.1>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")


if __name__ == "__main__":
    _sock = socket.socket(fileno=int(sys.argv[1]))
    _sock.setblocking(False)
    asyncio.run(FarEnd(_sock, Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])).serve())
