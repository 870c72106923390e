"""The log of the SIP stack, masked: it writes URIs into its lines, and phone numbers stand in URIs."""

import logging

from calloff.domain.masking import mask_numbers

_LOGGERS = ("baresip.call", "baresip.events", "baresip.native", "baresip.runtime", "baresip.ua")
_TRACE = "baresip.native.sip"


class _Mask(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask_numbers(record.getMessage())
        record.args = None
        if isinstance(peer := getattr(record, "peer", None), str):
            record.peer = mask_numbers(peer)
        return True


_MASK = _Mask("calloff")


def capture(trace: logging.Handler) -> None:
    """Mask the stack's log from now on, and give its trace of SIP messages to `trace` and nobody else."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_MASK)
    logger = logging.getLogger(_TRACE)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.handlers = [trace]
