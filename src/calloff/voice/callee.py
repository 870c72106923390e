"""Tells who answered from the first seconds of sound: a person, an answering machine or a fax."""

from collections import deque
from collections.abc import Iterable

import numpy
import webrtcvad

from calloff.domain.results import CalleeType
from calloff.trunks.base import FRAME_BYTES, SAMPLE_RATE
from calloff.voice.tones import Samples, level, single_tone, tone_share

MAX_SECONDS = 4.0
"""After this much sound there is an answer, if only `unknown`."""

FRAME_SECONDS = FRAME_BYTES / 2 / SAMPLE_RATE
CNG = 1100.0
"""Hz of the tone that a calling fax sends (ITU-T T.30 section 4.3.3.3)."""
CED = 2100.0
"""Hz of the tone that an answering fax sends (ITU-T T.30 section 4.3.3.2)."""

_FAX_FRAMES = 18
_FAX_FRAMES_NEEDED = 16
_FAX_SHARE = 0.6
_BEEP_SECONDS = (0.16, 1.2)
_SAME_TONE = 60.0
"""Hz that a tone may seem to move from one frame to the next."""
_QUIET = -52.0
"""dB below full scale under which nothing counts as speech or tone."""
_ABOVE_NOISE = 6.0
"""dB by which speech is louder than the noise of the line."""
_NOISE_FRAMES = 100
_STRICT = 3
"""The detector's mode that takes the least noise for speech."""

_TURN_OVER = 0.8
"""Seconds of silence after which a speaker waits for an answer."""
_PERSON_SPEAKS = 2.1
"""A person stops before, a recording does not."""
_LEAST_SPEECH = 0.16


class CalleeDetector:
    """Fed with 20 ms of sound at a time; a person says a word or two and waits, a machine talks on or beeps."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_STRICT)
        self._seconds = 0.0
        self._fax: deque[float | None] = deque(maxlen=_FAX_FRAMES)
        self._levels: deque[float] = deque(maxlen=_NOISE_FRAMES)
        self._tone: list[float] = []
        self._speech_began: float | None = None
        self._speech_ended = 0.0
        self._spoken = 0.0
        self._decision: CalleeType | None = None

    @property
    def decided(self) -> bool:
        """Whether more sound would change nothing."""
        return self._decision is not None

    def feed(self, frame: bytes) -> CalleeType:
        """Take the next frame of sound (320 bytes); what is known after it, `processing` if nothing yet."""
        if self._decision is None:
            self._seconds += FRAME_SECONDS
            self._decision = self._decide(frame)
        return self._decision or CalleeType.PROCESSING

    def conclude(self) -> CalleeType:
        """The answer if no more sound comes."""
        if self._decision is None:
            self._decision = CalleeType.VOICE if self._spoken >= _LEAST_SPEECH else CalleeType.UNKNOWN
        return self._decision

    def _decide(self, frame: bytes) -> CalleeType | None:
        samples = numpy.frombuffer(frame, dtype="<i2").astype(numpy.float64) / 32768
        decibels = level(samples)
        audible = decibels > _QUIET
        if self._is_fax(_fax_tone(samples) if audible else None):
            return CalleeType.FAX
        tone = single_tone(samples) if audible else None
        if self._is_beep(tone):
            return CalleeType.ANSWERING_MACHINE
        if self._stands_out(decibels) and audible and tone is None and self._vad.is_speech(frame, SAMPLE_RATE):
            self._hear_speech()
        return self._judge_speech()

    def _stands_out(self, decibels: float) -> bool:
        """Whether a frame is louder than the line's noise, which is the quietest frame of the last while."""
        self._levels.append(decibels)
        return decibels > min(self._levels) + _ABOVE_NOISE

    def _is_fax(self, tone: float | None) -> bool:
        self._fax.append(tone)
        return any(sum(heard == wanted for heard in self._fax) >= _FAX_FRAMES_NEEDED for wanted in (CNG, CED))

    def _is_beep(self, tone: float | None) -> bool:
        """Whether a tone of a beep's length has just ended; fax tones are longer, or are recognized before."""
        if tone is not None and (not self._tone or abs(tone - self._tone[-1]) <= _SAME_TONE):
            self._tone.append(tone)
            return False
        lasted = len(self._tone) * FRAME_SECONDS
        self._tone = [] if tone is None else [tone]
        return _BEEP_SECONDS[0] <= lasted <= _BEEP_SECONDS[1]

    def _hear_speech(self) -> None:
        if self._speech_began is None:
            self._speech_began = self._seconds - FRAME_SECONDS
        self._speech_ended = self._seconds
        self._spoken += FRAME_SECONDS

    def _judge_speech(self) -> CalleeType | None:
        if self._speech_began is not None:
            if self._speech_ended - self._speech_began > _PERSON_SPEAKS:
                return CalleeType.ANSWERING_MACHINE
            if self._seconds - self._speech_ended >= _TURN_OVER:
                if self._spoken >= _LEAST_SPEECH:
                    return CalleeType.VOICE
                self._speech_began, self._spoken = None, 0.0
        return self.conclude() if self._seconds >= MAX_SECONDS - FRAME_SECONDS / 2 else None


def detect(frames: Iterable[bytes]) -> CalleeType:
    """Who is heard in `frames` of 20 ms."""
    detector = CalleeDetector()
    for frame in frames:
        detector.feed(frame)
    return detector.conclude()


def _fax_tone(samples: Samples) -> float | None:
    return next((tone for tone in (CNG, CED) if tone_share(samples, tone) >= _FAX_SHARE), None)
