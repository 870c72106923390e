"""Keeps sound that is expensive to get in a directory, by a hash of what it was made from."""

import asyncio
import contextlib
import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
log = logging.getLogger(__name__)

_SUFFIX = ".s16"
_AFTER_CLEANING = 0.9


class AudioCache:
    """Sound files under `directory`, together at most `max_bytes`; the longest unused ones go first.

    Several processes may share the directory: files appear whole or not at all.
    """

    def __init__(self, directory: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._making: dict[Path, asyncio.Lock] = {}
        self._size = max_bytes
        """At least what this process knows to be there; over `max_bytes`, the directory is looked at."""

    async def get(
        self, parts: tuple[str, ...], make: Callable[[], Awaitable[bytes]], max_age: float | None = None
    ) -> bytes:
        """The sound that was made from `parts`; made now, by one caller at a time, if it is not there.

        With `max_age`, what was made more than that many seconds ago is made again; if that fails, the old one serves.
        """
        path = self._path(parts)
        lock = self._making.setdefault(path, asyncio.Lock())
        try:
            async with lock:
                kept = await asyncio.to_thread(_read, path)
                if kept is not None and (max_age is None or time.time() - kept[1] <= max_age):
                    return kept[0]
                return await self._make(path, make, None if kept is None else kept[0])
        finally:
            if not lock.locked():
                self._making.pop(path, None)

    async def _make(self, path: Path, make: Callable[[], Awaitable[bytes]], old: bytes | None) -> bytes:
        try:
            sound = await make()
        except Exception:
            if old is None:
                raise
            return old
        try:
            await asyncio.to_thread(self._store, path, sound)
        except OSError as error:
            log.warning("sound cannot be kept in %s (%s); it will be made again", self._directory, error.strerror)
        return sound

    def _path(self, parts: tuple[str, ...]) -> Path:
        name = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self._directory / name[:2] / (name + _SUFFIX)

    def _store(self, path: Path, sound: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(sound)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._size += len(sound)
        if self._size > self._max_bytes:
            self._size = self._make_room()

    def _make_room(self) -> int:
        """Remove the longest unused files if there are too many bytes; the bytes that are left."""
        files = []
        for path in self._directory.glob(f"*/*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                files.append((status.st_atime, status.st_size, path))
        left = sum(size for _, size, _ in files)
        if left <= self._max_bytes:
            return left
        for _, size, path in sorted(files):
            if left <= self._max_bytes * _AFTER_CLEANING:
                break
            path.unlink(missing_ok=True)
            left -= size
        return left


def _read(path: Path) -> tuple[bytes, float] | None:
    """The content and the time at which it was made; notes that it was used, on file systems without access times."""
    try:
        sound = path.read_bytes()
        made = path.stat().st_mtime
        os.utime(path, (time.time(), made))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return sound, made
