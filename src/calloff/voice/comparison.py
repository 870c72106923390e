"""What changed from one version of a message to another."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from calloff.voice.messages import Version

_AROUND = 3
"""Lines that are shown around a change."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between two versions."""

    old: int
    new: int
    lines: list[str]
    """Of the documents, as `diff -u` writes them: ` ` for what stayed, `-` for what went, `+` for what came."""
    files: Mapping[str, str]
    """What became of each file that is not the same: `added`, `removed` or `changed`."""
    reads_more: list[str]
    """The variables that only the new version reads, and that have no default."""


def compare(old: Version, new: Version, old_files: Mapping[str, bytes], new_files: Mapping[str, bytes]) -> Comparison:
    """What changed from `old` to `new`, with the files of each."""
    lines = difflib.unified_diff(
        _lines(old), _lines(new), f"version {old.version}", f"version {new.version}", lineterm="", n=_AROUND
    )
    files = {}
    for name in sorted({*old_files, *new_files}):
        if name not in old_files:
            files[name] = "added"
        elif name not in new_files:
            files[name] = "removed"
        elif old_files[name] != new_files[name]:
            files[name] = "changed"
    before = old.reads or {}
    more = [name for name, default in (new.reads or {}).items() if default is None and name not in before]
    return Comparison(old.version, new.version, list(lines), files, sorted(more))


def _lines(version: Version) -> list[str]:
    return version.vxml.decode("utf-8", errors="replace").splitlines()
