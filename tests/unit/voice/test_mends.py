"""What once went wrong on calls: legal notices that were skipped, handlers that never left, values that were lost."""

import asyncio
from pathlib import Path

import numpy
import pytest

from calloff.voice.audio import Decoder, UnusableAudio, decode_sound
from calloff.voice.interpreter import End, Limits
from tests.unit.voice.conftest import Call, names_of, steady, wav

NEVER = '<property name="timeout" value="3600s"/>'


async def test_a_key_cuts_off_what_may_be_cut_off_and_no_legal_notice(call: Call) -> None:
    running = asyncio.create_task(
        call.run(
            """<form><block><prompt><audio src="long.wav"/></prompt>
              <prompt bargein="false"><audio src="b.wav"/></prompt><prompt><audio src="c.wav"/></prompt></block>
            <field name="key" type="digits?length=1">
              <prompt timeout="5s"><audio src="d.wav"/></prompt></field></form>"""
        )
    )
    await call.trunk.hears(steady(9000, 0.1))
    call.trunk.press("1")
    await call.trunk.hears(steady(400))
    call.trunk.press("7")
    outcome = await running
    assert names_of(call.trunk.heard) == "*bcd"
    assert len(call.trunk.heard) < 16000
    assert outcome.collected == {"key": "7"}


async def test_the_timeout_of_a_prompt_in_a_handler_is_kept(call: Call) -> None:
    async with asyncio.timeout(20):
        outcome = await call.run(
            f"""{NEVER}<form><field name="key" type="digits"><prompt timeout="10ms"/>
            <noinput><prompt timeout="20ms"/></noinput>
            <noinput count="3"><exit expr="'left'"/></noinput></field></form>"""
        )
    assert outcome.collected == {"exit": "left"}


async def test_variables_and_items_begin_in_document_order(call: Call) -> None:
    outcome = await call.run(
        """<form><block name="a" expr="1"/><var name="b" expr="a + 1"/><field name="c" expr="b + 1" type="digits"/>
        <var name="d" expr="c + 1"/><block><exit namelist="b d"/></block></form>"""
    )
    assert outcome.collected == {"b": "2", "d": "4"}
    outcome = await call.run("<form>\n<var name='b' expr='a + 1'/><block name='a' expr='1'/></form>")
    assert outcome.fault is not None
    assert (outcome.fault.event, outcome.fault.element, outcome.fault.line) == ("error.semantic", "var", 3)


async def test_a_handler_that_never_leaves_is_ended(call: Call) -> None:
    outcome = await call.run(
        """<form><field name="key" type="digits"><prompt timeout="20ms"/>
        <noinput><reprompt/></noinput></field></form>""",
        limits=Limits(waiting=0.1),
    )
    assert outcome.end is End.ERROR
    assert outcome.fault is not None
    assert outcome.fault.event == "error.limit"
    assert "waited for keys" in outcome.fault.message
    assert any(call.trunk.heard)


async def test_a_value_that_is_undefined_says_nothing(call: Call, tmp_path: Path) -> None:
    outcome = await call.run('<form><var name="x"/><block><prompt><value expr="x"/></prompt></block></form>')
    assert (outcome.end, outcome.fault) == (End.EXIT, None)
    assert not call.trunk.heard
    assert not list(tmp_path.rglob("*.s16"))


async def test_what_was_not_answered_is_not_reported_and_exit_hides_nothing(call: Call) -> None:
    running = asyncio.create_task(
        call.run(
            """<form><field name="asked" type="digits?length=1"><prompt timeout="5s"/></field>
            <field name="skipped" cond="false" type="digits"/>
            <field name="silent" type="digits"><prompt timeout="10ms"/><noinput><exit expr="'left'"/></noinput></field>
            </form>"""
        )
    )
    call.trunk.press("4")
    outcome = await running
    assert outcome.collected == {"asked": "4", "exit": "left"}
    assert outcome.asked == ("asked", "silent")
    outcome = await call.run(
        "<form><var name='x'/><var name='y' expr='1'/><block><exit namelist='x y'/></block></form>"
    )
    assert outcome.collected == {"y": "1"}


async def test_a_recording_is_bounded_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    # 31 MiB that once became 2.2 GB of memory.
    slow = wav(numpy.zeros(31 * 1024 * 1024, dtype=numpy.int16), 1000, subtype="PCM_U8")
    with pytest.raises(UnusableAudio, match="longer"):
        await Decoder().decode(slow)
    monkeypatch.setattr("calloff.voice.audio.MAX_SAMPLES", 1000)
    with pytest.raises(UnusableAudio, match="1000 samples"):
        decode_sound(wav(numpy.zeros((501, 2), dtype=numpy.int16)))


async def test_a_decoder_that_dies_costs_one_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is ended by its limit of memory, as by anything that a made-up file does to it."""
    monkeypatch.setattr("calloff.voice.audio._PROGRAM", ("-c", "import os; os.kill(os.getpid(), 11)"))
    with pytest.raises(UnusableAudio, match="cannot be decoded"):
        await Decoder().decode(wav(numpy.zeros(100, dtype=numpy.int16)))
