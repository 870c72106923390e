"""What the engine tells of a call: events, and counters."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Latched:
    """The far end's media have a proven source from now on; once for each `Session.update`."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Key:
    """The far end pressed a key: one of `0-9*#A-D`; told when it goes down."""

    key: str
    in_sound: bool
    """Whether it was heard as a tone, and not sent as an event."""


@dataclass(frozen=True, slots=True)
class Played:
    """A `play` is over."""

    play: int
    """What `Session.play` returned."""
    samples: int
    """How many were sent: all, or those until it was cut."""
    cut: bool
    """Whether a key, `stop` or `flush` ended it."""


@dataclass(frozen=True, slots=True)
class Marked:
    """All that was written or played before this `Session.mark` has been sent or dropped."""

    mark: int


@dataclass(frozen=True, slots=True)
class KeysSent:
    """A `Session.send_keys` is over."""

    batch: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """The next piece of a recording, at most a second."""

    pcm: bytes
    """16-bit PCM at 8 kHz in two channels: what the far end said, what it was told."""


@dataclass(frozen=True, slots=True)
class NoMedia:
    """Nothing came for so long; told once, until something comes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a session has counted. Bytes are of RTP payload; times are seconds."""

    packets_sent: int = 0
    bytes_sent: int = 0
    packets_received: int = 0
    bytes_received: int = 0
    lost: int = 0
    """Of the far end's packets, those that never came."""
    late: int = 0
    """Those that came when their turn was over."""
    bad: int = 0
    """Datagrams of the proven source that were no RTP, or not authentic."""
    strangers: int = 0
    """Datagrams of others that were looked at and dropped; from the proof of the source on the kernel drops them."""
    jitter: float = 0.0
    """Of what comes, as RFC 3550 section 6.4.1 computes it, seen in steps of 20 ms."""
    delay: float = 0.0
    """Of the jitter buffer, now."""
    remote_lost: int = 0
    """Of our packets, those that the far end misses (RTCP)."""
    remote_jitter: float = 0.0
    round_trip: float | None = None
    """From the far end's reports; None if it sends none."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The counters of a session that goes on."""

    statistics: Statistics


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over and its ports are free: the last event after `Session.close`."""

    statistics: Statistics


@dataclass(frozen=True, slots=True)
class Lost:
    """The engine has died, and the session with it: the last event. A new engine is started for new sessions."""


MediaEvent = Latched | Key | Played | Marked | KeysSent | Recorded | NoMedia | Measured | Closed | Lost

_EVENTS: tuple[type, ...] = (
    Latched,
    Key,
    Played,
    Marked,
    KeysSent,
    Recorded,
    NoMedia,
    Measured,
    Closed,
)


def pack_event(event: MediaEvent) -> list[object]:
    """The event as what a message can hold."""
    number = _EVENTS.index(type(event))
    if isinstance(event, Measured | Closed):
        event_fields = [getattr(event.statistics, item.name) for item in fields(Statistics)]
    else:
        event_fields = [getattr(event, item.name) for item in fields(event)]
    return [number, *event_fields]


def unpack_event(packed: list[object]) -> MediaEvent:
    """What `pack_event` made. Raises `ValueError` or `TypeError` for anything else."""
    number, *values = packed
    if not isinstance(number, int) or not 0 <= number < len(_EVENTS):
        raise ValueError("no such event")
    kind = _EVENTS[number]
    if kind in (Measured, Closed):
        values = [Statistics(*values)]  # type: ignore[arg-type]
    event: MediaEvent = kind(*values)
    return event
