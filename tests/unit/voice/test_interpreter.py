"""Documents on a call: what is played, what keys do, and what is collected, however the call ends."""

import asyncio
import logging
import time

import pytest

from calloff.domain.results import CalleeType, Result
from calloff.trunks.base import Connected, Ringing
from calloff.trunks.simulated import SimulatedTrunk
from calloff.voice import interpreter
from calloff.voice.interpreter import End, Limits, Outcome
from calloff.voice.line import Line
from calloff.voice.parser import parse_document
from calloff.voice.prompts import Media
from tests.support.loopback import LoopbackTrunk
from tests.support.permits import permit
from tests.unit.voice.conftest import Call, Uploads, names_of, steady


def field(name: str, rest: str, kind: str = "digits?length=1", prompt: str = "a", timeout: str = "100ms") -> str:
    audio = f'<prompt timeout="{timeout}"><audio src="{prompt}.wav"/></prompt>'
    return f'<field name="{name}" type="{kind}">{audio}{rest}</field>'


def audio(*names: str) -> str:
    return "".join(f'<audio src="{name}.wav"/>' for name in names)


async def test_blocks_run_in_order_and_their_prompts_are_played_to_the_end(call: Call) -> None:
    collected = await call.run(
        f"""<var name="n" expr="1"/>
        <form><var name="m" expr="n + 1"/>
          <block>{audio("a")}<prompt><break time="40ms"/></prompt><assign name="n" expr="n + m"/></block>
          <block cond="n == 3">{audio("b")}</block>
          <block cond="n != 3">{audio("c")}</block>
          <block expr="'filled already'">{audio("d")}</block>
          <block><if cond="m == 1">{audio("e")}<elseif cond="m == 2"/>{audio("f")}<else/>{audio("g")}</if></block>
        </form>
        <form><block>{audio("h")}</block></form>"""
    )
    assert (collected.end, collected.fault, collected.collected) == (End.EXIT, None, {})
    assert names_of(call.trunk.heard) == "a-bf"


async def test_goto_starts_a_form_anew_and_chooses_items(call: Call) -> None:
    collected = await call.run(
        f"""<var name="rounds" expr="0"/>
        <form id="one">
          <block name="first">{audio("a")}<goto nextitem="third"/></block>
          <block name="second">{audio("b")}<goto next="#two"/></block>
          <block name="third">{audio("c")}</block>
        </form>
        <form id="two"><block><assign name="rounds" expr="rounds + 1"/>
          <if cond="rounds == 1"><goto next="#one"/></if><exit namelist="rounds document.rounds"/></block></form>"""
    )
    assert names_of(call.trunk.heard) == "acbacb"
    assert collected.collected == {"rounds": "2", "document.rounds": "2"}


async def test_keys_fill_fields_and_are_collected(call: Call) -> None:
    running = asyncio.create_task(
        call.run(
            f"""<form>
              <block>{audio("b")}</block>
              {field("pin", "<filled><log>pin</log></filled>", "digits?minlength=2;maxlength=6", timeout="5s")}
              {field("sure", "", "boolean?y=7;n=9", timeout="5s")}
              {field("again", "", timeout="5s")}
              <block cond="sure &amp;&amp; pin + 1 == '041'">{audio("c")}</block>
            </form>"""
        )
    )
    await call.trunk.hears(steady(100))
    call.trunk.press("04#7#5")
    collected = await running
    assert collected == Outcome(
        End.EXIT, asked=("pin", "sure", "again"), collected={"pin": "04", "sure": "true", "again": "5"}
    )
    assert names_of(call.trunk.heard) == "bac"


async def test_a_key_silences_the_prompts_at_once_and_what_was_said_before_is_an_answer(call: Call) -> None:
    running = asyncio.create_task(
        call.run(f"<form><block>{audio('long')}</block>{field('key', '', timeout='5s')}</form>")
    )
    await call.trunk.hears(steady(9000, 0.1))
    pressed = time.monotonic()
    call.trunk.press("3")
    collected = await running
    # The prompt would go on for five seconds.
    assert time.monotonic() - pressed < 2
    assert collected.collected == {"key": "3"}
    assert len(call.trunk.heard) < 16000
    assert call.trunk.longest_queue <= 0.25


async def test_without_barge_in_a_prompt_is_heard_out_and_keys_pressed_meanwhile_are_dropped(call: Call) -> None:
    prompt = '<prompt bargein="false" timeout="100ms"><audio src="a.wav"/><break time="200ms"/><audio src="b.wav"/>'
    running = asyncio.create_task(
        call.run(
            f'<form><field name="key" type="digits?length=1">{prompt}</prompt>'
            f"<noinput>{audio('c')}<exit expr=\"'none'\"/></noinput></field></form>"
        )
    )
    await call.trunk.hears(steady(100))
    call.trunk.press("3")
    assert (await running).collected == {"exit": "none"}
    assert names_of(call.trunk.heard) == "a-bc"


async def test_handlers_are_chosen_by_event_count_condition_and_nearness(call: Call) -> None:
    def note(letter: str) -> str:
        return f"<assign name='notes' expr=\"notes + '{letter}'\"/>{audio(letter)}"

    running = asyncio.create_task(
        call.run(
            f"""<var name="notes" expr="''"/>
            <noinput>{note("h")}</noinput>
            <nomatch count="2">{note("g")}<exit namelist="notes"/></nomatch>
            <form><noinput cond="false">{note("e")}</noinput><noinput cond="true" count="2">{note("f")}</noinput>
            {field("key", f"<nomatch>{note('b')}</nomatch>", "boolean")}</form>"""
        )
    )
    for awaited in (600, 200):
        await call.trunk.hears(steady(awaited))
        await asyncio.sleep(0.08)
        call.trunk.press("5")
    collected = await running
    assert collected.end is End.EXIT
    assert collected.collected["notes"].replace("ff", "f") in ("hfbg", "hfbfg")
    assert names_of(call.trunk.heard).count("a") == 1


async def test_a_question_without_handlers_is_repeated_then_the_call_ends(call: Call) -> None:
    tapered = '<prompt count="2" timeout="50ms"><audio src="b.wav"/></prompt>'
    collected = await call.run(f"<form>{field('key', tapered, timeout='50ms')}<block>{audio('c')}</block></form>")
    assert (collected.end, collected.collected) == (End.EXIT, {})
    assert names_of(call.trunk.heard) == "ab"
    assert call.trunk.heard.count(steady(200)) == 2


async def test_a_number_without_a_length_is_complete_when_no_key_follows(call: Call) -> None:
    interdigit = '<property name="interdigittimeout" value="100ms"/>'
    running = asyncio.create_task(call.run(f"<form>{interdigit}{field('n', '', 'digits', timeout='5s')}</form>"))
    call.trunk.press("1")
    await asyncio.sleep(0.05)
    call.trunk.press("2")
    assert (await running).collected == {"n": "12"}


@pytest.mark.parametrize(("keys", "event"), [("1#", "short"), ("1*", "short"), ("A", "short"), ("", "silent")])
async def test_a_wrong_number_is_nomatch_and_none_is_noinput(call: Call, keys: str, event: str) -> None:
    handlers = "<nomatch><exit expr=\"'short'\"/></nomatch><noinput><exit expr=\"'silent'\"/></noinput>"
    running = asyncio.create_task(call.run(f"<form>{field('n', handlers, 'digits?length=3')}</form>"))
    call.trunk.press(keys)
    assert (await running).collected == {"exit": event}


async def test_a_hang_up_at_any_moment_keeps_what_was_collected(call: Call) -> None:
    running = asyncio.create_task(
        call.run(
            f"<form>{field('first', '', timeout='5s')}<block>{audio('long')}</block>"
            f"{field('second', '', timeout='5s')}</form>"
        )
    )
    call.trunk.press("4")
    await call.trunk.hears(steady(9000, 0.1))
    await call.trunk.stop()
    assert await asyncio.wait_for(running, 4) == Outcome(End.HANGUP, asked=("first",), collected={"first": "4"})
    assert (await call.line.wait_ended()).sip_code == 200
    assert (await call.run("<form><block>too late</block></form>")).end is End.HANGUP


async def test_a_hang_up_ends_the_application_while_a_recording_is_being_fetched(call: Call) -> None:
    asked = asyncio.Event()

    async def never(_name: str) -> bytes | None:
        asked.set()
        return await asyncio.Future()

    document = parse_document(b'<vxml version="2.1"><form><block><audio src="a.wav"/></block></form></vxml>')
    info = interpreter.CallInfo("7", {}, "+15551230000", "")
    running = asyncio.create_task(interpreter.run(document, call.line, info, call.media, never))
    await asked.wait()
    await call.trunk.stop()
    assert (await asyncio.wait_for(running, 4)).end is End.HANGUP


async def test_an_application_runs_on_the_simulated_trunk(media: Media) -> None:
    trunk = SimulatedTrunk()
    await trunk.start()
    leg = await trunk.dial(permit("+15551230006"))
    assert isinstance(await leg.next_event(), Ringing)
    connected = await leg.next_event()
    assert isinstance(connected, Connected)
    async with Line(trunk, leg, connected) as line:
        collected = await Call(LoopbackTrunk(), line, media, Uploads()).run(
            f"<form><var name='who' expr='session.connection.callee_type'/>"
            f"<field name='who_was_it' expr='who' type='digits'/><block>{audio('long')}</block></form>"
        )
        assert (await line.wait_ended()).result is Result.ANSWERED
    assert collected == Outcome(End.HANGUP, collected={"who_was_it": "answeringmachine"})


async def test_a_fault_of_ours_ends_one_application_and_no_more(
    call: Call, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_name: str) -> bytes | None:
        raise RuntimeError("broken")

    monkeypatch.setattr(call.uploads, "read", broken)
    collected = await call.run(f"<form><block>{audio('a')}</block></form>")
    assert collected.end is End.ERROR
    assert "broken" not in str(collected.fault)
    assert "broken" in caplog.text


async def test_disconnect_plays_what_waits_and_returns_what_it_names(call: Call) -> None:
    collected = await call.run(
        f"<form><block>{audio('a')}<var name='x' expr='[1,2]'/><disconnect namelist='x'/>{audio('b')}</block></form>"
    )
    assert collected == Outcome(End.DISCONNECT, collected={"x": "[1,2]"})
    assert names_of(call.trunk.heard) == "a"


async def test_the_call_is_known_to_expressions(call: Call) -> None:
    names = "to from who asked column"
    declared = "".join(f'<var name="{name}"/>' for name in names.split())
    collected = await call.run(
        f"""{declared}<form><block>
          <assign name="to" expr="session.connection.remote.uri"/>
          <assign name="from" expr="session.connection.local.uri"/>
          <assign name="who" expr="session.connection.callee_type"/>
          <assign name="asked" expr="first_name + '/' + application.first_name"/>
          <assign name="column" expr="application['due date']"/><assign name="first_name" expr="1"/>
          <exit namelist="{names} first_name"/></block></form>""",
        {"first_name": "Ann's", "due date": "5"},
    )
    assert collected.collected == {
        "to": "tel:+15551230000",
        "from": "tel:+15557654321",
        "who": "voice",
        "asked": "Ann's/Ann's",
        "column": "5",
        "first_name": "1",
    }


async def test_who_answered_can_be_waited_for(call: Call) -> None:
    call.line.callee_type = CalleeType.PROCESSING
    running = asyncio.create_task(
        call.run(
            """<form><field name="wait" type="digits" cond="session.connection.callee_type == 'processing'">
              <prompt timeout="50ms"/><noinput></noinput></field>
            <block><exit expr="session.connection.callee_type"/></block></form>"""
        )
    )
    await asyncio.sleep(0.12)
    assert not running.done()
    call.line.callee_type = CalleeType.FAX
    assert (await running).collected == {"exit": "fax"}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("<form>\n<block>\n<assign name='nobody' expr='1'/></block></form>", "Line 4"),
        ("<form>\n<block cond='nobody'/></form>", "Line 3"),
        ("<form><var name='x'\n expr='null.y'/></form>", "Line 2"),
        ("<form id='a'><block><goto next='#a'/></block></form>", "steps"),
        ("<form><block><exit namelist='nobody'/></block></form>", "Line 2"),
    ],
)
async def test_an_application_that_cannot_go_on_ends_with_the_place(call: Call, body: str, place: str) -> None:
    collected = await call.run(body, limits=Limits(steps=50))
    assert collected.end is End.ERROR
    assert place in str(collected.fault)


async def test_a_recording_that_is_missing_is_replaced_or_left_out(call: Call) -> None:
    collected = await call.run(
        f'<form><block><audio src="none.wav">{audio("b")}</audio><audio src="none.wav"/>{audio("c")}</block></form>'
    )
    assert collected.end is End.EXIT
    assert names_of(call.trunk.heard) == "bc"


async def test_logs_are_one_line_mask_numbers_and_are_silent_for_private_calls(
    call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "calloff.application")
    body = """<form><block><log label="at" expr="'x\\ny'">call <value expr="number"/></log></block></form>"""
    await call.run(body, {"number": "+15551234567"})
    assert [record.getMessage() for record in caplog.records] == ["call 7: at call +*********67 x y"]
    await call.run(body, {"number": "+15551234567"}, private=True)
    assert len(caplog.records) == 1


async def test_an_application_that_runs_too_long_is_ended(call: Call) -> None:
    collected = await call.run(f"<form><block>{audio('long')}</block></form>", limits=Limits(seconds=0.2))
    assert collected.end is End.ERROR
    assert "longer" in str(collected.fault)
