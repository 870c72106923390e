"""Encrypts what has to be kept and given back: secrets of trunks and of callbacks."""

import contextlib
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from calloff.domain.errors import NotConfigured

_FILE = "secret.key"


class SecretBox:
    """Encrypts and decrypts short texts with one key (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, key: str) -> None:
        """Raises `NotConfigured` if `key` is not 32 bytes as URL-safe Base64."""
        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise NotConfigured(
                "The secret key is not 32 bytes as URL-safe Base64. Set CALLOFF_SECRET_KEY to the key in use before."
            ) from None

    @classmethod
    def open(cls, data_dir: Path, key: str | None) -> "SecretBox":
        """The box of `key`, or else of `secret.key` in `data_dir`, which is made if there is none.

        Raises `NotConfigured` if the file cannot be read or made.
        """
        return cls(key or _read_or_make(data_dir / _FILE))

    def encrypt(self, text: str) -> str:
        """What can be kept of `text`."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text that `token` was made of. Raises `NotConfigured` if that was with another key."""
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken:
            raise NotConfigured(
                "A secret was encrypted with another key. Set CALLOFF_SECRET_KEY to that key, or set the secret anew."
            ) from None


def _read_or_make(path: Path) -> str:
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(
            f"The key file {path} cannot be used. Make it readable, or set CALLOFF_SECRET_KEY."
        ) from error


def _make(path: Path) -> None:
    """Write a new key; of several processes that do so at once, one wins, and nobody reads half a key."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(Fernet.generate_key() + b"\n")
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(unfinished)
    unfinished.unlink()
