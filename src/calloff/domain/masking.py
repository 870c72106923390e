"""Takes out of a text what no log may hold (OWASP ASVS 5.0, V16.2.5)."""

import re

from calloff.domain.phone import mask

_DIGITS = re.compile(r"[0-9]{5,}")
_LONG_DIGITS = re.compile(r"[0-9]{10,}")
_SECRETS = re.compile(r"(?i:basic|bearer)\s+[^\s'\"]+|[A-Za-z0-9_-]{40,}")


def mask_numbers(text: str) -> str:
    """`text` with each run of five digits or more cut down to its last two."""
    return _DIGITS.sub(lambda match: mask(match[0]), text)


def mask_long_numbers(text: str) -> str:
    """The same for runs of ten digits or more: for a text in which the IDs of calls have to stay readable."""
    return _LONG_DIGITS.sub(lambda match: mask(match[0]), text)


def mask_secrets(text: str) -> str:
    """`text` without what looks like a developer key, a session's token or the value of `Authorization`."""
    return _SECRETS.sub("***", text)
