"""Whom PostgreSQL runs as when Calloff is root, which PostgreSQL refuses to be."""

import logging
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from calloff.domain.errors import NotConfigured

logger = logging.getLogger(__name__)

_USER_NAME = "calloff"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system, by numbers."""

    uid: int
    gid: int


def account_for(cluster: Path) -> Account | None:
    """The user that owns `cluster`, or is to own it if it does not exist yet; None if that is who we are.

    Root makes a system user named `calloff` for a new cluster. Raises `NotConfigured` if there is no fitting user.
    """
    owner = _owner(cluster)
    if os.geteuid() != 0:
        if owner is not None and owner.uid != os.geteuid():
            raise NotConfigured(
                f"The database in {cluster} belongs to another user; start Calloff as that user or as root."
            )
        return None
    if owner is None:
        return _calloff_user()
    if owner.uid == 0:
        raise NotConfigured(f"{cluster} belongs to root, as whom PostgreSQL does not run; give it to another user.")
    return owner


def let_traverse(directory: Path, account: Account) -> None:
    """Let `account` pass through `directory` and all above it, without making anything readable.

    Each directory that had to be opened is logged. Raises `NotConfigured` if one cannot be.
    """
    resolved = directory.resolve()
    for passage in (*reversed(resolved.parents), resolved):
        status = passage.stat()
        needed = _traverse_bit(status, account)
        if status.st_mode & needed:
            continue
        try:
            passage.chmod(stat.S_IMODE(status.st_mode) | needed)
        except OSError as error:
            raise NotConfigured(
                f"PostgreSQL runs as user {account.uid}, which cannot pass through {passage} ({error.strerror}); "
                "let it, choose another --data-dir, or start Calloff as an ordinary user."
            ) from error
        logger.warning("Set the traverse bit of %s, so that PostgreSQL (user %d) can pass.", passage, account.uid)


def _traverse_bit(status: os.stat_result, account: Account) -> int:
    if status.st_uid == account.uid:
        return stat.S_IXUSR
    if status.st_gid == account.gid:
        return stat.S_IXGRP
    return stat.S_IXOTH


def _owner(path: Path) -> Account | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Account(status.st_uid, status.st_gid)


def _calloff_user() -> Account:
    existing = _look_up()
    if existing is not None:
        return existing
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run([*command, "--shell", "/usr/sbin/nologin", _USER_NAME], check=True, capture_output=True)
        logger.info("Made the system user %s, as whom PostgreSQL runs.", _USER_NAME)
    except (OSError, subprocess.CalledProcessError) as error:
        made_meanwhile = _look_up()
        if made_meanwhile is not None:
            return made_meanwhile
        raise NotConfigured(
            f"PostgreSQL does not run as root, and a system user for it could not be made; make one named "
            f"{_USER_NAME}, or start Calloff as an ordinary user."
        ) from error
    return _calloff_user()


def _look_up() -> Account | None:
    try:
        entry = pwd.getpwnam(_USER_NAME)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)
