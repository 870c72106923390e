"""SQL is fixed text with parameters, everywhere (security.md row 14)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "calloff"
_METHODS = {"execute", "executemany", "copy", "stream"}
_HANDED_ON = {
    # Each hands on a text that its callers, which are looked at as well, have loaded.
    ("db/certain.py", "statement"),
    ("db/migrate.py", "step.sql"),
    ("db/migrate.py", "function.sql"),
    # What the server itself calls a function of ours that gives way to another.
    ("db/migrate.py", "sql.SQL('DROP FUNCTION ') + sql.SQL(signature)"),
}


def _statements() -> Iterator[tuple[str, ast.expr]]:
    """Every expression that reaches the database as SQL, with its file."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            file = str(path.relative_to(SOURCE))
            if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
                yield file, node.args[0]
            elif isinstance(node.func, ast.Name) and node.func.id == "call_certainly":
                yield file, node.args[1]


def _is_fixed(statement: ast.expr) -> bool:
    if isinstance(statement, ast.Call) and isinstance(statement.func, ast.Name) and statement.func.id == "load":
        return all(isinstance(argument, ast.Constant | ast.Name) for argument in statement.args)
    return isinstance(statement, ast.Constant) and isinstance(statement.value, str)


def test_no_statement_is_put_together() -> None:
    found = list(_statements())
    assert len(found) > 60
    others = {(file, ast.unparse(statement)) for file, statement in found if not _is_fixed(statement)}
    assert others == _HANDED_ON


def test_no_function_of_the_database_puts_one_together() -> None:
    for path in SOURCE.rglob("*.sql"):
        code = re.sub(r"--[^\n]*", "", path.read_text())
        # `EXECUTE FUNCTION` names what a trigger calls.
        assert not re.search(r"\bEXECUTE\b(?!\s+(FUNCTION|PROCEDURE)\b)", code, re.IGNORECASE), path
