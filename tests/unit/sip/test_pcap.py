"""A trace as a capture: what tshark, which we did not write, reads of it."""

import subprocess
from pathlib import Path

from calloff.sip.events import Address
from calloff.sip.pcap import to_pcap
from calloff.sip.trace import Trace

INVITE = (
    b"INVITE sip:+16175551234@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:a@192.0.2.7>;tag=1\r\nTo: <sip:+16175551234@192.0.2.7>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n"
    b'Authorization: Digest response="hush"\r\nContent-Length: 0\r\n\r\n'
)
BUSY = (
    b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@192.0.2.7>;tag=1\r\n"
    b"To: <sip:+16175551234@192.0.2.7>;tag=2\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
)
KEY = (
    b"INFO sip:a@192.0.2.1 SIP/2.0\r\nCall-ID: one\r\nCSeq: 2 INFO\r\nContent-Type: application/dtmf-relay\r\n"
    b"Content-Length: 22\r\n\r\nSignal=7\r\nDuration=160"
)


def read(file: Path, *names: str) -> list[list[str]]:
    """These fields of each message, as tshark reads the file."""
    fields = [argument for name in names for argument in ("-e", name)]
    printed = subprocess.run(
        ["tshark", "-r", str(file), "-T", "fields", *fields], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    return [line.split("\t") for line in printed.splitlines()]


def test_wireshark_reads_who_sent_what(tmp_path: Path) -> None:
    trace = Trace()
    for transport, ours, theirs in (("udp", "192.0.2.1", "192.0.2.7"), ("tls", "2001:db8::1", "2001:db8::7")):
        near, far = Address(transport, ours, 5060), Address(transport, theirs, 5070)  # type: ignore[arg-type]
        trace.note(INVITE, far, near, inward=False)
        trace.note(BUSY, far, near, inward=True)
    file = tmp_path / "call.pcap"
    file.write_bytes(to_pcap(Trace.unpack(trace.pack()).messages))
    assert read(file, "sip.Method", "sip.Status-Code", "sip.Call-ID") == [["INVITE", "", "one"], ["", "486", "one"]] * 2
    assert read(file, "exported_pdu.ipv4_src", "exported_pdu.ipv6_dst", "exported_pdu.src_port") == [
        ["192.0.2.1", "", "5060"],
        ["192.0.2.7", "", "5070"],
        ["", "2001:db8::7", "5060"],
        ["", "2001:db8::1", "5070"],
    ]
    times = [float(time) for [time] in read(file, "frame.time_epoch")]
    assert times == sorted(times)
    assert abs(times[0] - trace.messages[0].at) < 0.001


def test_what_is_kept_names_no_password_and_no_key() -> None:
    trace = Trace()
    here = Address("udp", "192.0.2.1", 5060)
    for message in (INVITE, KEY):
        trace.note(message, here, here, inward=False)
    invite, key = (message.data for message in Trace.unpack(trace.pack()).messages)
    assert b"hush" not in invite
    assert b"Authorization: ***" in invite
    assert b"Signal" not in key
    assert key.endswith(b"\r\n\r\n***")
