"""Hostile SIP: messages after the kinds of RFC 4475, each made from one valid INVITE, and cut-off ones."""

import random
from collections.abc import Iterator

_SDP = "v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0\r\n"


def invite(port: int, *, method: str = "INVITE", user: str = "calloff", **headers: str | None) -> str:
    """A valid request to loopback; `headers` (with `_` for `-`) replace its own, None leaves one out."""
    values: dict[str, str | None] = {
        "Via": "SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK" + str(random.Random(str(headers)).random())[2:],
        "Max-Forwards": "70",
        "From": "<sip:mallory@127.0.0.1>;tag=1",
        "To": f"<sip:{user}@127.0.0.1>",
        "Call-ID": f"torture-{abs(hash((method, user, str(headers))))}",
        "CSeq": f"1 {method}",
        "Contact": "<sip:mallory@127.0.0.1:9>",
        "Content-Type": "application/sdp",
        "Content-Length": str(len(_SDP)),
    }
    values |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} sip:{user}@127.0.0.1:{port} SIP/2.0"]
    lines += [f"{name}: {value}" for name, value in values.items() if value is not None]
    return "\r\n".join(lines) + "\r\n\r\n" + _SDP


def torture(port: int) -> Iterator[bytes]:
    """Some hundred datagrams; the section of RFC 4475 that each kind belongs to stands beside it."""
    good = invite(port)
    made = [
        good.replace("From: ", "f :\r\n  ").replace("Call-ID:", "I  :").replace(": 70", ":\r\n\t0070"),  # 3.1.1.1
        invite(port, method="!interesting-Method0123456789_*+`.%indeed'~"),  # 3.1.1.2
        invite(port, user="sips%3Auser%40example.com"),  # 3.1.1.3
        invite(port, To="sip:null-%00-null@example.com", Contact="<sip:%00@example.com>"),  # 3.1.1.4
        invite(port, Via="SIP/2.0/UDP " + "x" * 4000 + ";branch=z9hG4bK" + "y" * 4000, Unknown="z" * 16000),  # 3.1.1.7
        good + good,  # 3.1.1.8
        invite(port, user="user;par=u%40example.net"),  # 3.1.1.9
        invite(port, Via="SIP/2.0/UNKNOWN 192.0.2.1;branch=z9hG4bK1"),  # 3.1.1.10
        "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\n\r\n",  # 3.1.1.12
        "SIP/2.0 100\r\nCSeq: 1 INVITE\r\n\r\n",  # 3.1.1.13
        invite(port, Contact='"Joe" <sip:joe@example.org>;;;;', Via="SIP/2.0/UDP 192.0.2.15;;,;,,"),  # 3.1.2.1
        invite(port, Content_Length="9999"),  # 3.1.2.2
        invite(port, Content_Length="-999"),  # 3.1.2.3
        invite(port, CSeq="36893488147419103232 INVITE", Max_Forwards="300"),  # 3.1.2.4
        "SIP/2.0 503 No\r\nCSeq: 929239483477230402331 OPTIONS\r\nRetry-After: 94930283850302834930\r\n\r\n",  # 3.1.2.5
        invite(port, To='"Mr. J. User <sip:j.user@example.com>'),  # 3.1.2.6
        good.replace("sip:calloff@", "<sip:calloff@", 1),  # 3.1.2.7
        good.replace("sip:calloff@", "sip:cal loff; lr@", 1),  # 3.1.2.8
        good.replace("INVITE sip", "INVITE   sip", 1),  # 3.1.2.9
        good.replace(" SIP/2.0", " SIP/2.0   ", 1),  # 3.1.2.10
        good.replace(";tag=1", ";tag=1?Route=%3Csip:x%3E", 1),  # 3.1.2.11
        invite(port, Date="Fri, 01 Jan 2010 16:00:00 EST"),  # 3.1.2.12
        invite(port, Contact="sip:user@example.com?Route=%3Csip:sip.example.com%3E"),  # 3.1.2.13
        invite(port, To="<sip:t.watson@example.org@example.com>"),  # 3.1.2.14
        invite(port, From="Bell, Alexander <sip:a@b>;tag=43"),  # 3.1.2.15
        good.replace("SIP/2.0\r", "SIP/7.0\r", 1),  # 3.1.2.16
        invite(port, CSeq="8 OPTIONS"),  # 3.1.2.17
        invite(port, method="NEWMETHOD", CSeq="8 INVITE"),  # 3.1.2.18
        "SIP/2.0 4294967301 better not break the receiver\r\nCSeq: 1 INVITE\r\n\r\n",  # 3.1.2.19
        invite(port, Via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"),  # 3.2.1
        invite(port, From=None, To=None, Call_ID=None),  # 3.3.1
        good.replace("sip:calloff@127.0.0.1", "nobodyKnowsThisScheme:x", 1),  # 3.3.2
        invite(port, Require="nothingSupportsThis", Proxy_Require="norDoesAnything"),  # 3.3.5
        invite(port, Content_Type="application/unknownformat"),  # 3.3.6
        invite(port, method="REGISTER", Authorization="NoOneKnowsThisScheme opaque-data=here"),  # 3.3.7
        good.replace("CSeq: ", "CSeq: 59 INVITE\r\nTo: <sip:x@y>;tag=2\r\nCSeq: ", 1),  # 3.3.8
        good.replace("Content-Length", "Content-Length: 5\r\nContent-Length", 1),  # 3.3.9
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK3\r\nCSeq: 3 INVITE\r\n\r\n",  # 3.3.10
        invite(port, Max_Forwards="0"),  # 3.3.11
        invite(port, method="REFER", Refer_To="<sip:+19005550100@127.0.0.1:9>"),
        invite(port, method="BYE", To="<sip:calloff@127.0.0.1>;tag=none"),
        invite(port, method="SUBSCRIBE", Event="refer"),
        invite(port, method="MESSAGE"),
        invite(port, method="INFO", To="<sip:calloff@127.0.0.1>;tag=none", Content_Type="application/dtmf-relay"),
        "",
        "\r\n" * 8,
        "\x00" * 64,
    ]
    yield from (message.encode() for message in made)
    yield from (good.encode()[:length] for length in range(0, len(good), 7))
    noise = random.Random(4475)
    for _ in range(64):
        spoilt = bytearray(good.encode())
        for _ in range(8):
            spoilt[noise.randrange(len(spoilt))] = noise.randrange(256)
        yield bytes(spoilt)
