"""Loads the SQL that lies beside the code: one statement a file, in `queries/` of its package."""

from functools import cache
from importlib.resources import files


@cache
def load(package: str | None, name: str) -> bytes:
    """The statement `queries/<name>.sql` of `package`, which is the caller's `__package__`."""
    assert package is not None
    return files(package).joinpath("queries", f"{name}.sql").read_bytes()
