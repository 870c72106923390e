"""Nothing is dialed without a permit, and a permit is made where a call is started, and nowhere else."""

import ast
from importlib.resources import files
from pathlib import Path

_PACKAGE = Path(str(files("calloff")))
_DOORS = {
    "Permit(...)": {"calls/start.py"},
    "Permit.for_test_call(...)": {"wiring/test_call.py"},
    "DialogIds.make(...)": {"calls/start.py", "domain/permits.py"},
    # Read again for whoever ends what a dead dialer left.
    "DialogIds(...)": {"calls/rescue.py"},
}


def _uses(source: str) -> set[str]:
    """Which ways to make a permit or a dialog's identifiers there are in a module; a class that is renamed is one."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "calloff.domain.permits":
            found |= {f"{name.name} as {name.asname}" for name in node.names if name.asname}
        if isinstance(node, ast.Call):
            written = ast.unparse(node.func)
            made = written.removeprefix("permits.")
            if made in ("Permit", "DialogIds", "Permit.for_test_call", "DialogIds.make"):
                found.add(f"{made}(...)")
            if made in ("replace", "dataclasses.replace") and any("permit" in ast.unparse(arg) for arg in node.args):
                found.add("a permit that is changed")
    return found


def test_permits_are_made_where_calls_are_started_and_nowhere_else() -> None:
    found: dict[str, set[str]] = {}
    for path in _PACKAGE.rglob("*.py"):
        for use in _uses(path.read_text(encoding="utf-8")):
            found.setdefault(use, set()).add(path.relative_to(_PACKAGE).as_posix())
    assert found == _DOORS


def test_every_other_way_to_make_one_is_seen() -> None:
    assert _uses("from calloff.domain.permits import Permit as P") == {"Permit as P"}
    assert _uses("permits.Permit(1)") == {"Permit(...)"}
    assert _uses("replace(leg.permit, deadline=2e9)") == {"a permit that is changed"}
