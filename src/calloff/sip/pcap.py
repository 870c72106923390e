"""A trace as a file that Wireshark opens: each message as an exported PDU, whatever it was carried by, TLS included."""

import struct
from collections.abc import Iterable
from ipaddress import ip_address

from calloff.sip.events import Address
from calloff.sip.trace import TracedMessage

PCAP = "application/vnd.tcpdump.pcap"
"""The media type of the file."""
_FILE = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_TAG = struct.Struct("!HH")
_EXPORTED_PDU = 252
"""LINKTYPE_WIRESHARK_UPPER_PDU."""
_LONGEST = 262_144
_DISSECTOR, _IPV4, _IPV6, _PORT_KIND, _PORT = 12, (20, 21), (22, 23), 24, (25, 26)
_PORT_KINDS = {"udp": 3, "tcp": 2, "tls": 2}


def to_pcap(messages: Iterable[TracedMessage]) -> bytes:
    """The messages as a pcap file, with their times and addresses."""
    records = [_FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, _LONGEST, _EXPORTED_PDU)]
    for message in messages:
        source, target = (message.theirs, message.ours) if message.inward else (message.ours, message.theirs)
        data = _tags(source, target) + message.data
        seconds = int(message.at)
        records.append(_RECORD.pack(seconds, int((message.at - seconds) * 1e6), len(data), len(data)) + data)
    return b"".join(records)


def _tags(source: Address, target: Address) -> bytes:
    tags = [_tag(_DISSECTOR, b"sip")]
    for place, address in enumerate((source, target)):
        host = ip_address(address.host)
        tags.append(_tag((_IPV4 if host.version == 4 else _IPV6)[place], host.packed))
    tags.append(_tag(_PORT_KIND, struct.pack("!I", _PORT_KINDS[source.transport])))
    for place, address in enumerate((source, target)):
        tags.append(_tag(_PORT[place], struct.pack("!I", address.port)))
    return b"".join([*tags, _tag(0, b"")])


def _tag(number: int, value: bytes) -> bytes:
    padded = value.ljust(-(-len(value) // 4) * 4, b"\0")
    return _TAG.pack(number, len(padded)) + padded
