"""Cuts text into sentences, so that the first can be heard while the others are made."""

import re
from collections.abc import Iterator, Sequence

_LEAST = 24
"""Characters under which a sentence is spoken together with the next: short ones sound cut off."""
_END = re.compile(r"(?<=[.!?\u2026\u3002\uff01\uff1f])[\"')\u201d\u00bb]*\s+(?=[^\sa-z])")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[^\W\d_]{1,3}|[0-9]{1,2}|[A-Za-z]\.[A-Za-z])\.$")


def sentences(parts: Sequence[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """The sentences of a text whose parts are (text, mark), each with whether a marked part belongs to it."""
    whole = ""
    marks: list[tuple[int, int]] = []
    for text, mark in parts:
        joined = (
            f"{whole} {text}"
            if whole and text and not text.startswith((".", ",", ";", ":", "!", "?"))
            else whole + text
        )
        if mark:
            marks.append((len(joined) - len(text), len(joined)))
        whole = joined
    at = 0
    for end in (*_ends(whole), len(whole)):
        sentence = whole[at:end]
        if sentence.strip():
            yield sentence.strip(), any(start < end and stop > at for start, stop in marks)
        at = end


def _ends(text: str) -> Iterator[int]:
    """Where sentences begin that are far enough from the one before."""
    last = 0
    for match in _END.finditer(text):
        before = text[last : match.start()]
        if len(before) >= _LEAST and not _ABBREVIATION.search(before):
            yield match.end()
            last = match.end()
