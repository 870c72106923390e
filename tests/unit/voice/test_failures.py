"""Every error that an application can have, as docs/voicexml.md lists them: what is heard, and what is told of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from calloff.dialer.talk import details_of
from calloff.voice.closings import SENTENCES, closing
from calloff.voice.content import Manner
from calloff.voice.expressions import Evaluator
from calloff.voice.interpreter import End, Limits, Outcome
from calloff.voice.prompts import Media
from calloff.voice.speech import Speech
from tests.support.sink import Sink, answer, sink
from tests.unit.voice.conftest import CLOSINGS, Call, names_of, steady

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "voicexml.md"


@dataclass(frozen=True)
class Fails:
    """An application that fails: the event, the element and the line (the body begins in line 2)."""

    event: str
    element: str
    line: int
    body: str
    limits: Limits = field(default_factory=Limits)
    heard: str | None = "a"
    """What is heard before the closing sentence; None if that depends on how fast things go."""


FAILURES = [
    Fails("error.semantic", "assign", 3, "<form><block>{a}\n<assign name='none' expr='1'/></block></form>"),
    Fails("error.semantic", "prompt", 3, "<form><block>{a}\n<prompt><value expr='none'/></prompt></block></form>"),
    Fails("error.semantic", "var", 2, "<var name='x' expr='none'/><form><block>{a}</block></form>", heard=""),
    Fails("error.semantic", "script", 2, "<form><block>{a}<script>none()</script></block></form>"),
    Fails("error.semantic", "if", 2, "<form><block>{a}<if cond='none'/></block></form>"),
    Fails("error.semantic", "block", 2, "<form><block>{a}</block><block cond='none'/></form>"),
    Fails("error.semantic", "throw", 2, "<form><block>{a}<throw eventexpr='undefined'/></block></form>"),
    Fails("error.badfetch.http.404", "goto", 2, "<form><block>{a}<goto next='{url}'/></block></form>"),
    Fails("error.badfetch.http.404", "submit", 2, "<form><block>{a}<submit next='{url}'/></block></form>"),
    Fails("error.badfetch.http.404", "data", 2, "<form><block>{a}<data name='d' src='{url}'/></block></form>"),
    Fails("error.badfetch.http.404", "subdialog", 2, "<form><block>{a}</block><subdialog src='{url}'/></form>"),
    Fails("error.badfetch.http.404", "script", 2, "<form><block>{a}<script src='{url}'/></block></form>"),
    Fails(
        "error.badfetch.http.404",
        "grammar",
        2,
        "<form><block>{a}</block><field><grammar mode='dtmf' src='{url}'/></field></form>",
    ),
    Fails("error.badfetch", "goto", 2, "<form><block>{a}<goto next='http://no.invalid/'/></block></form>"),
    Fails("error.badfetch", "goto", 2, "<form><block>{a}<goto expr=\"'#none'\"/></block></form>"),
    Fails("error.badfetch", "audio", 2, "<form><block><audio src='none.wav'/></block></form>", heard=""),
    Fails("error.unsupported.record", "record", 2, "<form><block>{a}</block><record name='r'/></form>"),
    Fails(
        "error.unsupported.transfer.blind", "transfer", 2, "<form><block>{a}</block><transfer dest='tel:+1'/></form>"
    ),
    Fails(
        "error.unsupported.transfer.bridge",
        "transfer",
        2,
        "<form><block>{a}</block><transfer bridge='true' dest='tel:+1'/></form>",
    ),
    Fails(
        "error.unsupported.format",
        "grammar",
        2,
        "<form><block>{a}</block><field><grammar mode='dtmf' src='speech.grxml'/></field></form>",
    ),
    Fails("error.noresource", "prompt", 2, "<form><block>{a}<prompt xml:lang='tlh'>nuqneH</prompt></block></form>"),
    Fails("error.limit", "", 0, "<form><block>{a}<audio src='long.wav'/></block></form>", Limits(seconds=0.3), None),
    Fails("error.limit", "goto", 2, "<form id='f'><block>{a}<goto next='#f'/></block></form>", Limits(steps=9)),
    Fails(
        "error.limit",
        "",
        0,
        "<form><block>{a}</block><field type='digits'><prompt timeout='30ms'/><noinput/></field></form>",
        Limits(waiting=0.05),
    ),
    Fails("error.internal", "", 0, "<form><block>{a}<audio src='breaks.wav'/></block></form>"),
    Fails("error.own.thing", "throw", 2, "<form><block>{a}<throw event='error.own.thing'/></block></form>"),
    Fails("own.thing", "throw", 2, "<form><block>{a}<throw event='own.thing'/></block></form>"),
]


@pytest.fixture
async def missing() -> AsyncIterator[Sink]:
    """A server that has nothing."""
    async with sink(answer(b"404 Not Found")) as far:
        yield far


async def run(call: Call, fails: Fails, far: Sink, more: str = "") -> Outcome:
    read = call.uploads.read

    async def uploaded(name: str) -> bytes | None:
        if name == "breaks.wav":
            raise RuntimeError
        return await read(name)

    call.uploads.files["speech.grxml"] = b'<grammar root="r"><rule id="r">yes please</rule></grammar>'
    call.uploads.read = uploaded  # type: ignore[method-assign]
    body = fails.body.replace("{a}", '<audio src="a.wav"/>').replace("{url}", far.url)
    return await call.run(body + more, limits=fails.limits)


async def goodbye(call: Call) -> bytes:
    sentence, language = closing("en-US", CLOSINGS)
    return await call.media.speech.speak(sentence, Manner(language), keep=True)


def ids(fails: Fails) -> str:
    return f"{fails.event} {fails.element}"


@pytest.mark.parametrize("fails", FAILURES, ids=ids)
async def test_every_error_is_heard_as_a_sentence_and_told_with_its_place(
    call: Call, fails: Fails, missing: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await run(call, fails, missing)
    assert outcome.fault is not None
    assert (outcome.fault.event, outcome.fault.element, outcome.fault.line) == (fails.event, fails.element, fails.line)
    assert outcome.end is End.ERROR
    sentence = await goodbye(call)
    assert call.trunk.heard.endswith(sentence)
    if fails.heard is not None:
        assert names_of(call.trunk.heard[: -len(sentence)]) == fails.heard
    told = details_of(outcome)
    assert told["application"] == "error"
    assert told["fault"] == {"event": fails.event, "element": fails.element, "line": fails.line}
    assert "the application failed" in caplog.text


CATCHABLE = [
    each
    for each in FAILURES
    # What is missed as the last prompts are played comes after all handlers.
    if each.event not in ("error.limit", "error.internal", "error.noresource") and each.element != "audio"
]


@pytest.mark.parametrize("fails", CATCHABLE, ids=ids)
async def test_every_error_but_limits_and_faults_of_ours_can_be_caught(call: Call, fails: Fails, missing: Sink) -> None:
    """A handler says something else instead, and the call still counts as one whose application failed."""
    catch = f"<catch event='{fails.event.partition('.')[0]}'><audio src='h.wav'/><exit/></catch>"
    outcome = await run(call, fails, missing, catch)
    assert outcome.end is End.EXIT
    assert names_of(call.trunk.heard).endswith("h")
    if fails.event == "own.thing":
        assert (outcome.failed, outcome.fault) == (False, None)
    else:
        assert outcome.failed
        assert outcome.fault is not None
        assert outcome.fault.event == fails.event


def test_the_documentation_lists_every_error_that_is_tried_here() -> None:
    rows = re.findall(r"^\| `([a-z.]+)`", DOCUMENTATION.read_text(encoding="utf-8"), re.MULTILINE)
    for fails in FAILURES:
        if not fails.event.endswith("own.thing"):
            assert any(fails.event == row or fails.event.startswith(f"{row}.") for row in rows), fails.event


async def test_an_application_that_cannot_even_begin_says_so(call: Call) -> None:
    class Short(Evaluator):
        async def _send(self, connection: object) -> None:
            raise OSError

    short = Call(
        call.trunk, call.line, Media(call.media.speech, call.media.recordings, Short(), call.media.web), call.uploads
    )
    outcome = await short.run("<form><block>hello</block></form>")
    assert (outcome.end, outcome.failed) == (End.ERROR, True)
    assert call.trunk.heard == await goodbye(call)


async def test_without_any_voice_three_beeps_are_heard(call: Call) -> None:
    mute = Media(Speech([], call.media.speech._cache), call.media.recordings, call.media.evaluator, call.media.web)
    outcome = await Call(call.trunk, call.line, mute, call.uploads).run("<form><block>hello</block></form>")
    assert outcome.fault is not None
    assert outcome.fault.event == "error.noresource"
    assert any(call.trunk.heard)


async def test_the_deployments_own_closing_sentence_is_said_in_the_language_of_the_document(call: Call) -> None:
    assert closing("de-AT", {}) == (SENTENCES["de"], "de-AT")
    assert closing("de-AT", {"en": "Bye.", "de": "Ade."}) == ("Ade.", "de-AT")
    assert closing("no", {}) == (SENTENCES["nb"], "no")
    assert closing("tlh", {"en": "Bye."}) == ("Bye.", "en-US")
    await call.run("<form><block><assign name='none' expr='1'/></block></form>", head='xml:lang="de-AT"')
    assert call.trunk.heard == await call.media.speech.speak("Ade.", Manner("de-AT"), keep=True)


async def test_who_hangs_up_hears_nothing_and_the_error_is_still_told(call: Call) -> None:
    running = asyncio.create_task(
        call.run(
            """<catch event="connection.disconnect"><assign name="none" expr="1"/></catch>
            <form><field type="digits"><prompt timeout="3600s"><audio src="a.wav"/></prompt></field></form>"""
        )
    )
    await call.trunk.hears(steady(100, 0.01))
    await call.trunk.stop()
    outcome = await running
    assert (outcome.end, names_of(call.trunk.heard)) == (End.HANGUP, "a")
    assert outcome.fault is not None
    assert outcome.fault.element == "assign"


async def test_why_is_not_kept_of_private_calls(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    body = "<form><block><throw event='own' messageexpr=\"'card ' + number\"/></block></form>"
    assert "4111" in str((await call.run(body, {"number": "4111"})).fault)
    caplog.clear()
    assert "4111" not in str((await call.run(body, {"number": "4111"}, private=True)).fault)
    assert "4111" not in caplog.text
