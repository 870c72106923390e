"""ECMAScript expressions: what they see, what they change, and the limits that they cannot break."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from calloff.voice.expressions import Evaluator, ExpressionError, Scopes, check_expression, source_of


@pytest.fixture
async def evaluator() -> AsyncIterator[Evaluator]:
    async with Evaluator() as evaluator:
        yield evaluator


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("1 + 1", "2"),
        ("name + '!'", 'Zo\u00eb\'s \u2028 "cat"!'),
        ("application.name == name", "true"),
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
        ("typeof source + typeof wanted + typeof expression", "undefined" * 3),
    ],
)
async def test_an_expression_sees_the_scopes_inside_out(evaluator: Evaluator, expr: str, text: str) -> None:
    scopes = Scopes(
        session={"connection": '{"remote": {"uri": "tel:+1"}}'},
        application={"name": source_of('Zo\u00eb\'s \u2028 "cat"'), "document": source_of("hidden")},
        document={"x": "1"},
        dialog={"x": "2", "#0": "true"},
    )
    assert await evaluator.text(scopes, expr) == text


async def test_every_kind_of_value_survives_from_one_expression_to_the_next(evaluator: Evaluator) -> None:
    scopes = Scopes()
    values = "[undefined, NaN, -Infinity, -0, 10n, null, 'a\\n', {a: {'b c': [true]}}, new Date(5), '__proto__']"
    scopes.dialog["x"] = await evaluator.value(scopes, values)
    assert scopes.dialog["x"] == (
        '[undefined,NaN,-Infinity,-0,10n,null,"a\\n",{["a"]:{["b c"]:[true]}},new Date(5),"__proto__"]'
    )
    assert await evaluator.value(scopes, "x") == scopes.dialog["x"]


async def test_assignments_change_the_innermost_variable_and_never_make_one(evaluator: Evaluator) -> None:
    scopes = Scopes(application={"a": "1"}, document={"a": "2", "o": "{p: 1}"}, anonymous={"b": "3"})
    await evaluator.assign(scopes, "a", "a + b")
    await evaluator.assign(scopes, "application.a", "'x'")
    await evaluator.assign(scopes, "o.p", "[1]")
    assert (scopes.application["a"], scopes.document["a"], scopes.document["o"]) == ('"x"', "5", '{["p"]:[1]}')
    for target in ("c", "document.c", "session.connection"):
        with pytest.raises(ExpressionError, match="declared"):
            await evaluator.assign(scopes, target, "1")


async def test_what_one_call_does_to_the_engine_is_not_seen_by_the_next(evaluator: Evaluator) -> None:
    await evaluator.value(Scopes(), "(Array.prototype.join = () => 'mine', globalThis.leak = 1)")
    assert await evaluator.text(Scopes(), "[1, 2].join() + typeof leak") == "1,2undefined"


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
    scopes = Scopes(document={"kept": "1"})
    began = time.monotonic()
    with pytest.raises(ExpressionError):
        await evaluator.value(scopes, expr)
    assert time.monotonic() - began < 9
    assert await evaluator.value(scopes, "kept") == "1"


async def test_the_loop_runs_on_and_others_are_served_while_an_expression_spins(evaluator: Evaluator) -> None:
    spinning = asyncio.create_task(evaluator.value(Scopes(), "[].concat(new Array(4e9))"))
    longest, last = 0.0, time.monotonic()
    while not spinning.done():
        assert await evaluator.text(Scopes(), "6 * 7") == "42"
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert longest < 1
    with pytest.raises(ExpressionError, match="too long"):
        await spinning


async def test_a_canceled_evaluation_leaves_no_answer_behind_for_the_next(evaluator: Evaluator) -> None:
    for _ in range(4):
        task = asyncio.create_task(evaluator.text(Scopes(), "'old'"))
        await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await evaluator.text(Scopes(), "'new'") == "new"


def test_checking_compiles_and_runs_nothing() -> None:
    assert check_expression("a.b[0] ? {x: 1} : (b, c)") is None
    assert check_expression("(() => { for (;;); })()") is None
    assert check_expression("1); (2") is not None
    assert check_expression("1 2") is not None
    assert check_expression("  ") is not None
