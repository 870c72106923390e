"""SIPp scenarios of a far end that answers one call, put together from what it does step by step."""

from collections.abc import Sequence

_SAVED = (("via", "Via"), ("from", "From"), ("to", "To"), ("cseq", "CSeq"))
_SDP = """v=0
o=far 1 {version} IN IP4 [local_ip]
s=-
c=IN IP4 {host}
t=0 0
m=audio [rtp] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a={direction}
"""


def script(*steps: str) -> str:
    """The scenario of these steps."""
    names = ",".join([name for name, _ in _SAVED] + ["uri", "before"])
    body = "\n".join(steps)
    return f'<?xml version="1.0"?>\n<scenario name="case">\n{body}\n<Reference variables="{names}"/>\n</scenario>\n'


def invited() -> str:
    """Wait for the first INVITE."""
    saved = [f'<ereg regexp=".*" search_in="hdr" header="{header}:" assign_to="{name}"/>' for name, header in _SAVED]
    uri = '<ereg regexp="&lt;?(sip:[^&gt;]*)" search_in="hdr" header="Contact:" assign_to="before,uri"/>'
    return f'<recv request="INVITE"><action>{"".join(saved)}{uri}</action></recv>'


def requested(method: str, *, optional: bool = False) -> str:
    """Wait for a request."""
    return f'<recv request="{method}" optional="{str(optional).lower()}"/>'


def responded(status: int) -> str:
    """Wait for a response."""
    return f'<recv response="{status}"/>'


def pause(milliseconds: int) -> str:
    """Do nothing for a while."""
    return f'<pause milliseconds="{milliseconds}"/>'


def respond(status: int, *headers: str, tag: str = "far", sdp: str = "", contact: bool = True, times: int = 1) -> str:
    """Respond to the first INVITE, so often."""
    lines = [
        f"SIP/2.0 {status} Case",
        "Via:[$via]",
        "From:[$from]",
        f"To:[$to];tag={tag}",
        "[last_Call-ID:]",
        "CSeq:[$cseq]",
        *headers,
    ]
    return times * _sent(lines, sdp, contact=contact)


def respond_to_last(status: int = 200, *headers: str, sdp: str = "", contact: bool = False, tag: str = "") -> str:
    """Respond to what came last."""
    to = f"[last_To:]{f';tag={tag}' if tag else ''}"
    lines = [f"SIP/2.0 {status} Case", "[last_Via:]", "[last_From:]", to, "[last_Call-ID:]", "[last_CSeq:]", *headers]
    return _sent(lines, sdp, contact=contact)


def ask(method: str, cseq: int, *headers: str, tag: str = "far", sdp: str = "") -> str:
    """Send a request in the call."""
    lines = [
        f"{method} [$uri] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        f"From:[$to];tag={tag}",
        "To:[$from]",
        "[last_Call-ID:]",
        f"CSeq: {cseq} {method}",
        "Max-Forwards: 70",
        *headers,
    ]
    return _sent(lines, sdp, contact=True)


def sdp(direction: str = "sendrecv", *, host: str = "[local_ip]", version: int = 1) -> str:
    """A session description with G.711."""
    return _SDP.format(direction=direction, host=host, version=version)


def _sent(lines: Sequence[str], sdp: str, *, contact: bool) -> str:
    more = ["Contact: <sip:far@[local_ip]:[local_port];transport=[transport]>"] if contact else []
    more += ["Content-Type: application/sdp"] if sdp else []
    head = "\n".join([*lines, *more, "Content-Length: [len]"])
    return f"<send><![CDATA[\n{head}\n\n{sdp}\n]]></send>"
