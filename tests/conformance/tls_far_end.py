"""A far end behind TLS: refuses every call with 486, if the near end speaks to it at all."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

_COPIED = re.compile(r"^(?:Via|From|Call-ID|CSeq):.*$", re.MULTILINE | re.IGNORECASE)


@dataclass
class TlsFarEnd:
    """What came through TLS, and where to call."""

    port: int = 0
    requests: list[str] = field(default_factory=list)


def make_ca(directory: Path, name: str) -> Path:
    """A certificate authority of its own: the path of its certificate."""
    _openssl(
        directory, "req", "-x509", *_NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"
    )
    return directory / f"{name}.pem"


def make_certificate(directory: Path, ca: Path, names: str) -> Path:
    """A server certificate for `names` (`IP:127.0.0.1`, `DNS:…`), signed by `ca`; its key is in the same file."""
    (directory / "names").write_text(f"subjectAltName={names}")
    _openssl(directory, "req", *_NEW_KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=far end")
    _openssl(
        directory, "x509", "-req", "-in", "server.csr", "-CA", str(ca), "-CAkey", str(ca.with_suffix(".key")),
        "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem",
    )  # fmt: skip
    combined = directory / "combined.pem"
    combined.write_text((directory / "server.key").read_text() + (directory / "server.pem").read_text())
    return combined


@asynccontextmanager
async def tls_far_end(certificate: Path) -> AsyncIterator[TlsFarEnd]:
    """Serve SIP over TLS on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    far = TlsFarEnd()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = re.search(r"^Content-Length: *(\d+)", head, re.MULTILINE)
                body = await reader.readexactly(int(length[1])) if length else b""
                far.requests.append(head + body.decode())
                if head.startswith("INVITE"):
                    to = re.search(r"^To:.*?\r?$", head, re.MULTILINE)
                    copied = "\r\n".join(line.strip() for line in _COPIED.findall(head))
                    answer = f"SIP/2.0 486 Busy Here\r\n{copied}\r\n{to[0].strip() if to else ''};tag=x\r\n"
                    writer.write(f"{answer}Content-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    far.port = server.sockets[0].getsockname()[1]
    try:
        yield far
    finally:
        server.close()


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
