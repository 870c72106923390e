"""The doors change nothing by themselves: what writes to the database is called by operations only."""

import ast
import re
from pathlib import Path

_SOURCE = Path(__file__).parents[2] / "src" / "calloff"
_DOORS = ("api", "console", "cli")
_WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE|COPY)\b|\b(pause_queue|cancel_\w+|delete_deployment)\(", re.MULTILINE)
_NO_CHANGES = {
    **dict.fromkeys(
        ("sign_in", "begin_session", "find_session", "end_session"), "a session is no change of what the account has"
    ),
    "authenticate": "it notes when a key was used",
    "current_key": "a key for callbacks is made whenever it is first needed",
}
"""What a door may call although it writes."""


def test_no_door_imports_what_changes_something() -> None:
    changing = _changing_functions()
    assert {"set_deployment", "add_user", "pause", "submit", "cancel_pending", "keep_password"} <= changing
    found = {
        (str(path.relative_to(_SOURCE)), alias.name)
        for door in _DOORS
        for path in (_SOURCE / door).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("calloff.operations")
        for alias in node.names
    }
    assert {(path, name) for path, name in found if name in changing - set(_NO_CHANGES)} == set()


def _changing_functions() -> set[str]:
    """Every public function below the operations that runs a statement that writes, by itself or through another."""
    changing = set()
    for package in ("accounts", "calls", "lists", "voice"):
        queries = (_SOURCE / package / "queries").glob("*.sql")
        statements = {path.stem for path in queries if _WRITES.search(path.read_text())}
        for path in (_SOURCE / package).glob("*.py"):
            changing |= _closure(ast.parse(path.read_text()), statements)
    return {name for name in changing if not name.startswith("_")}


def _closure(module: ast.Module, statements: set[str]) -> set[str]:
    functions = {node.name: node for node in module.body if isinstance(node, ast.AsyncFunctionDef)}
    found: set[str] = set()
    while True:
        more = {name for name, node in functions.items() if name not in found and _uses(node, statements, found)}
        if not more:
            return found
        found |= more


def _uses(function: ast.AsyncFunctionDef, statements: set[str], functions: set[str]) -> bool:
    return any(
        (isinstance(node, ast.Constant) and node.value in statements)
        or (isinstance(node, ast.Name) and node.id in functions)
        for node in ast.walk(function)
    )
