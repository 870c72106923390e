"""A PostgreSQL as a distribution packages it, with the defaults that an operator finds."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


def packaged_programs() -> Path | None:
    """Where the oldest packaged server that Calloff works with has its programs; None if there is none here."""
    return next((path.parent for path in _PROGRAMS if int(path.parent.parent.name) >= 15), None)


def run_as_postgres(programs: Path, program: str, arguments: Sequence[str]) -> None:
    """Run one of them to its end; as root, as the user that the package made."""
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    subprocess.run(
        [programs / program, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
    )


@contextmanager
def packaged_server(options: str = "") -> Iterator[str]:
    """Runs one on a cluster of its own, on a socket of its own; gives its address. Only if there are such programs."""
    programs = packaged_programs()
    assert programs is not None
    with tempfile.TemporaryDirectory(prefix="calloff-tests-") as directory:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
        cluster = Path(directory) / "cluster"
        run_as_postgres(programs, "initdb", ["-D", str(cluster), "-U", "calloff", "--auth=trust", "--no-sync"])
        settings = f"-c listen_addresses= -c fsync=off -c unix_socket_directories={directory} {options}"
        log = str(Path(directory) / "log")
        run_as_postgres(programs, "pg_ctl", ["start", "-w", "-D", str(cluster), "-l", log, "-o", settings])
        try:
            yield f"postgresql://calloff@/postgres?host={quote(directory, safe='')}"
        finally:
            run_as_postgres(programs, "pg_ctl", ["stop", "-w", "-m", "immediate", "-D", str(cluster)])
