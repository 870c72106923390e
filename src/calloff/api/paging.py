"""Pages of a list, newest first: `limit` items with an identifier below `before`."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from calloff.domain.codes import Code
from calloff.domain.errors import InvalidInput

_DEFAULT, _MOST = 50, 200


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list was asked for."""

    limit: int
    before: int | None
    filters: dict[str, str]
    """The other parameters of the query."""


def parse_page(request: Request, *, filters: frozenset[str] = frozenset()) -> Page:
    """The page that the query asks for, which may also have `filters`. Raises `InvalidInput`."""
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in query:
            raise InvalidInput(f"{name[:60]!r} was given twice. Give it once.", code=Code.FIELD_REPEATED)
        query[name] = value
        if name not in filters | {"limit", "before"}:
            raise InvalidInput(
                f"{name[:60]!r} is not a parameter of this list. Remove it, or check its spelling.",
                code=Code.FIELD_UNKNOWN,
            )
    limit = _positive(query.pop("limit", str(_DEFAULT)), "limit")
    if limit > _MOST:
        raise InvalidInput(f"limit is out of range. Give a number from 1 to {_MOST}.", field="limit")
    before = _positive(query.pop("before"), "before") if "before" in query else None
    return Page(limit, before, query)


def next_page(page: Page, identifiers: Sequence[int]) -> str | None:
    """The `before` of the page that follows one with these identifiers; None if it was the last."""
    return str(identifiers[-1]) if len(identifiers) == page.limit else None


def _positive(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19) or int(text) == 0:
        raise InvalidInput(f"{name} is not a positive whole number. Give it in digits.", field=name)
    return int(text)
