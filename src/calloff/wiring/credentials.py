"""`credentials.env` in the data directory: how the first user reaches the API, for a shell to source."""

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path

_FILE = "credentials.env"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the API is and how to sign in to it."""

    url: str
    email: str
    key: str = field(repr=False)
    password: str | None = field(default=None, repr=False)
    """For the first sign-in to the console, where it has to be changed; never kept."""


def path_of(data_dir: Path) -> Path:
    """Where the file is."""
    return data_dir / _FILE


def write_credentials(data_dir: Path, credentials: Credentials) -> None:
    """Write the file anew, for nobody but its owner to read."""
    lines = {"CALLOFF_URL": credentials.url, "CALLOFF_EMAIL": credentials.email, "CALLOFF_KEY": credentials.key}
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = data_dir / f"{_FILE}.{os.getpid()}"
    unfinished.touch(mode=0o600)
    unfinished.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in lines.items()), encoding="utf-8")
    unfinished.replace(path_of(data_dir))


def read_credentials(data_dir: Path) -> Credentials | None:
    """What the file says; None if there is none, or nothing that is complete."""
    try:
        lines = path_of(data_dir).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    found = dict(line.partition("=")[::2] for line in lines if line.startswith("CALLOFF_"))
    try:
        url, email, key = ("".join(shlex.split(found[f"CALLOFF_{name}"])) for name in ("URL", "EMAIL", "KEY"))
    except (KeyError, ValueError):
        return None
    return Credentials(url, email, key)
