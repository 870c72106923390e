"""The schema that the migrations add up to. `python -m tests.support.schema` writes it to `schema.sql`."""

import subprocess
from pathlib import Path

from calloff.db.postmaster import programs
from tests.support.servers import TEMPLATE, SessionServer

SCHEMA = Path(__file__).parents[2] / "src" / "calloff" / "db" / "schema.sql"

_HEADER = "-- What migrations/ and functions/ add up to. Written by `make schema`, never by hand.\n\n"
_CHATTER = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")


def dump(url: str) -> str:
    """The definition of everything in the database at `url`, without what differs from one dump to the next."""
    options = ["--schema-only", "--no-owner", "--no-privileges", "--no-comments", "--restrict-key=calloff"]
    dumped = subprocess.run([programs() / "pg_dump", *options, url], check=True, capture_output=True, text=True).stdout
    kept = [line for line in dumped.splitlines() if not line.startswith(_CHATTER)]
    squeezed = [line for before, line in zip(["", *kept], kept, strict=False) if before or line]
    return _HEADER + "\n".join(squeezed).strip() + "\n"


def main() -> None:
    """Migrate an empty database and write down what came of it."""
    server = SessionServer()
    try:
        server.start()
        SCHEMA.write_text(dump(server.address(TEMPLATE)), encoding="utf-8")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
