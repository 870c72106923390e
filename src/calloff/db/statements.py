"""SQL statements live one a file, in the `queries` directory of the package that uses them."""

from functools import cache
from importlib.resources import files


@cache
def load(package: str, name: str) -> str:
    """The text of `queries/<name>.sql` in `package`, read once. Raises `FileNotFoundError` if there is none."""
    return files(package).joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
