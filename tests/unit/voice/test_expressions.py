"""ECMAScript: what expressions see of the scopes, what they change, and the limits that they cannot break."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from calloff.voice.expressions import (
    Environment,
    Evaluator,
    ExpressionError,
    check_expression,
    check_script,
    declared_by,
)

NAME = 'Zo\u00eb\'s \u2028 "cat"'


@pytest.fixture
async def evaluator() -> AsyncIterator[Evaluator]:
    async with Evaluator() as evaluator:
        yield evaluator


@pytest.fixture
async def environment(evaluator: Evaluator) -> AsyncIterator[Environment]:
    """A call whose document has one variable, and whose dialog has another of the same name."""
    environment = await evaluator.environment({"name": NAME, "document": "hidden", "due date": "5"})
    await environment.set("session", "connection", {"remote": {"uri": "tel:+1"}})
    await environment.begin("document", shared=True)
    await environment.declare("document", "x", "1")
    await environment.declare("dialog", "x", "2")
    yield environment
    await environment.close()


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("1 + 1", "2"),
        ("name + '!'", NAME + "!"),
        ("application.name == name", "true"),
        ("application['due date']", "5"),
        ("typeof missing", "undefined"),
        ("document.x", "1"),
        ("x", "2"),
        ("dialog.x", "2"),
        ("[x, 'a']", '[2,"a"]'),
        ("session.connection.remote.uri", "tel:+1"),
        ("typeof toString", "function"),
        ("x // a comment", "2"),
        ("Number('12').toFixed(1)", "12.0"),
        ("typeof process + typeof require + typeof std + typeof os", "undefined" * 4),
        ("typeof scopes + typeof operations + typeof parameters", "undefined" * 3),
        ("/^a+$/.test('aaa')", "true"),
    ],
)
async def test_an_expression_sees_the_scopes_inside_out(environment: Environment, expr: str, text: str) -> None:
    assert await environment.text(expr) == text


async def test_values_keep_their_kind_and_identity_between_expressions(environment: Environment) -> None:
    await environment.declare("dialog", "pattern", "/a/g")
    await environment.declare("dialog", "o", "{p: [1], made: new Date(5)}")
    await environment.declare("dialog", "same", "o")
    await environment.assign("same.p[1]", "2n")
    assert await environment.text("pattern instanceof RegExp && pattern.test('a') && pattern.lastIndex == 1") == "true"
    assert await environment.text("o === same && o.p[1] === 2n && o.made.getTime() === 5") == "true"


async def test_assignments_change_the_innermost_variable_and_never_make_one(environment: Environment) -> None:
    await environment.assign("x", "x + 5")
    await environment.assign("document.x", "'y'")
    await environment.assign("application.name", "'z'")
    assert await environment.text("x + document.x + name") == "7yz"
    for target in ("c", "document.c", "session.connection"):
        with pytest.raises(ExpressionError, match=r"declared|read-only|object"):
            await environment.assign(target, "1")


async def test_scripts_declare_for_the_scope_that_they_stand_in(environment: Environment) -> None:
    await environment.script("document", "var count = 0; function next() { return ++count; }")
    assert [await environment.text("next()"), await environment.text("count")] == ["1", "1"]
    await environment.assign("count", "10")
    assert await environment.text("next()") == "11"
    await environment.script("document", "var count; count = (count || 0) + 1;")
    assert await environment.text("count") == "12"
    await environment.begin("application")
    await environment.begin("document", shared=True)
    assert await environment.text("typeof next") == "undefined"


async def test_what_one_call_does_to_the_engine_is_not_seen_by_the_next(evaluator: Evaluator) -> None:
    first, second = await evaluator.environment({}), await evaluator.environment({})
    await first.text("(Array.prototype.join = () => 'mine', globalThis.leak = 1)")
    assert await second.text("[1, 2].join() + typeof leak") == "1,2undefined"
    await first.close()
    await second.close()


@pytest.mark.parametrize(
    "expr",
    [
        "missing",
        "null.x",
        "(() => { throw 'x' })()",
        "(function f() { f() })()",
        "(() => { for (;;); })()",
        "(() => { while (true) { try { for (;;); } catch (e) {} } })()",
        "/(a+)+$/.test('a'.repeat(40) + 'b')",
        "'a'.repeat(1e9)",
        "(() => { let a = []; for (;;) a.push('x'.repeat(1000)) })()",
        "[].concat(new Array(4e9))",
        "Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)",
        "2n ** 1000000n",
        "(() => { let o = {}; o.o = o; return o })()",
        "'x'.repeat(300000)",
    ],
)
async def test_an_expression_that_fails_or_goes_over_a_limit_is_an_error_and_no_more(
    evaluator: Evaluator, expr: str
) -> None:
    environment = await evaluator.environment({})
    began = time.monotonic()
    with pytest.raises(ExpressionError):
        await environment.text(expr)
    assert time.monotonic() - began < 9
    await environment.close()
    another = await evaluator.environment({"kept": "1"})
    assert await another.text("kept") == "1"
    await another.close()


async def test_the_loop_runs_on_and_others_are_served_while_an_expression_spins(evaluator: Evaluator) -> None:
    spinning, other = await evaluator.environment({}), await evaluator.environment({})
    task = asyncio.create_task(spinning.text("[].concat(new Array(4e9))"))
    served = 0
    while not task.done():
        assert await other.text("6 * 7") == "42"
        served += 1
    assert served > 10
    with pytest.raises(ExpressionError, match="too long"):
        await task
    with pytest.raises(ExpressionError, match="too long"):
        await spinning.text("1")
    await spinning.close()
    await other.close()


async def test_a_canceled_evaluation_leaves_no_answer_behind_for_the_next(environment: Environment) -> None:
    for _ in range(4):
        task = asyncio.create_task(environment.text("'old'"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await environment.text("'new'") == "new"


def test_checking_compiles_and_runs_nothing() -> None:
    assert check_expression("a.b[0] ? {x: 1} : (b, c)") is None
    assert check_expression("(() => { for (;;); })()") is None
    assert check_expression("1); (2") is not None
    assert check_expression("1 2") is not None
    assert check_expression("  ") is not None
    assert check_script("for (;;);") is None
    assert check_script("var = 1") is not None
    assert set(declared_by("var a = 1, b; function c() { var d; } for (;;);")) == {"a", "b", "c"}
