"""What is refused when an application is uploaded, where, and with what advice."""

import contextlib
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloff.voice.content import Audio, Break, Goto, If, Manner, Prompt, Say, SayValue, Target
from calloff.voice.document import Block, Field
from calloff.voice.parser import parse_document
from calloff.voice.problems import ApplicationError, Problem
from calloff.voice.vocabulary import RULES

EXAMPLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="en-GB">
  <var name="tries" expr="0"/>
  <noinput count="3"><exit/></noinput>
  <form id="ask">
    <block>
      <prompt>Hello <value expr="first_name"/>, <break time="500ms"/> <audio src="jingle.wav">ding</audio></prompt>
    </block>
    <field name="pin" type="digits?minlength=2;maxlength=4">
      <prompt bargein="false" timeout="2s">Your PIN?</prompt>
      <nomatch>Two to four digits.</nomatch>
      <filled>
        <if cond="pin &lt; 10"><goto nextitem="sure"/><elseif cond="pin == 77"/>Hm.<else/><goto next="#bye"/></if>
      </filled>
    </field>
    <field name="sure" type="boolean"><prompt>Sure?</prompt></field>
  </form>
  <form id="bye"><block><disconnect namelist="tries"/></block></form>
</vxml>
"""


def document(body: str) -> bytes:
    return f'<vxml version="2.1">\n{body}\n</vxml>'.encode()


def problems(xml: bytes) -> tuple[Problem, ...]:
    with pytest.raises(ApplicationError) as caught:
        parse_document(xml)
    assert all(str(problem) in caught.value.message for problem in caught.value.problems[:20])
    return caught.value.problems


def test_a_document_becomes_its_parts() -> None:
    parsed = parse_document(EXAMPLE)
    ask, bye = parsed.forms
    block, pin, sure = ask.items
    british = Manner("en-GB")
    assert isinstance(block, Block)
    assert block.content == (
        Prompt(
            7,
            (
                Say(7, "Hello", british),
                SayValue(7, "first_name", british),
                Say(7, ",", british),
                Break(7, 0.5),
                Audio(7, "jingle.wav", None, (Say(7, "ding", british),)),
            ),
        ),
    )
    assert isinstance(pin, Field)
    assert pin.kind == "digits"
    assert pin.prompts == (Prompt(10, (Say(10, "Your PIN?", british),), barge_in=False, timeout=2.0),)
    assert isinstance(sure, Field)
    assert sure.kind == "boolean"
    (decision,) = pin.filled[0].content
    assert isinstance(decision, If)
    assert [cond for cond, _ in decision.branches] == ["pin < 10", "pin == 77", None]
    assert decision.branches[0][1] == (Goto(13, Target(), Target("sure")),)
    assert bye.id == "bye"
    assert [handler.count for handler in parsed.handlers] == [3]
    assert [audio.source for audio in parsed.recordings] == ["jingle.wav"]
    assert len(parsed.prompts) == 5


@pytest.mark.parametrize(
    ("element", "advice"),
    [
        ("object", "<data>"),
        ("dtmf", 'mode="dtmf"'),
        ("sayas", "say-as"),
        ("blink", "correct its name"),
    ],
)
def test_what_is_not_run_is_refused_by_name_with_its_line_and_advice(element: str, advice: str) -> None:
    (problem,) = problems(document(f"<form>\n<block>\n<{element}/></block></form>"))
    assert (problem.line, problem.element) == (4, element)
    assert advice in problem.message


@pytest.mark.parametrize(
    ("body", "line", "element"),
    [
        ("<form>\nwords</form>", 3, "form"),
        ("<form>\n\n\nwords\n\n</form>", 5, "form"),
        ('<form><block>\n<goto next="#nowhere"/></block></form>', 3, "goto"),
        ('<form><block>\n<goto nextitem="nowhere"/></block></form>', 3, "goto"),
        ("<form><block><goto/></block></form>", 2, "goto"),
        ('<form><block><if cond="x"><else/><elseif cond="y"/></if></block></form>', 2, "elseif"),
        ('<form><block><if cond="x"><else/><else/></if></block></form>', 2, "else"),
        ("<form><block><if>x</if></block></form>", 2, "if"),
        ("<form><block><var/></block></form>", 2, "var"),
        ('<form><block><var name="document"/></block></form>', 2, "var"),
        ('<form><block><var name="a-b"/></block></form>', 2, "var"),
        ('<form><block><var name="new"/></block></form>', 2, "var"),
        ('<form><block><assign name="session.connection" expr="1"/></block></form>', 2, "assign"),
        ('<form><block><assign name="a();b" expr="1"/></block></form>', 2, "assign"),
        ('<form><block><exit namelist="a b()"/></block></form>', 2, "exit"),
        ('<form><block><exit expr="1" namelist="a"/></block></form>', 2, "exit"),
        ('<form><block><value expr="1 +"/></block></form>', 2, "value"),
        ('<form><block><value expr=""/></block></form>', 2, "value"),
        ('<form><block><value expr="1); for(;;); (2"/></block></form>', 2, "value"),
        ('<form><block><value expr="var x = 1"/></block></form>', 2, "value"),
        (f'<form><block><value expr="{"(" * 3000}"/></block></form>', 2, "value"),
        (f'<form><block><value expr="{"x" * 4001}"/></block></form>', 2, "value"),
        ('<form><field name="x">Hi</field></form>', 2, "field"),
        ('<form><field type="digits?length=0">Hi</field></form>', 2, "field"),
        ('<form><field type="digits?minlength=5;maxlength=4">Hi</field></form>', 2, "field"),
        ('<form><field type="digits?long=4">Hi</field></form>', 2, "field"),
        ('<form><field type="boolean?y=1;n=1">Hi</field></form>', 2, "field"),
        ('<form><field name="a" type="digits"/>\n<field name="a" type="digits"/></form>', 3, "field"),
        ('<form id="a"/>\n<form id="a"/>', 3, "form"),
        ('<form><block><prompt timeout="soon">x</prompt></block></form>', 2, "prompt"),
        ('<form><block><prompt bargein="maybe">x</prompt></block></form>', 2, "prompt"),
        ('<form><block><prompt count="0">x</prompt></block></form>', 2, "prompt"),
        ('<form><block><prompt><break time="999999s"/></prompt></block></form>', 2, "break"),
        ('<form><block><prompt><break strength="huge"/></prompt></block></form>', 2, "break"),
        ('<noinput><goto nextitem="a"/></noinput><form/>', 2, "goto"),
        ('<x:form xmlns:x="urn:else"/>', 2, "{urn:else}form"),
    ],
)
def test_what_cannot_be_run_is_refused_where_it_stands(body: str, line: int, element: str) -> None:
    assert (line, element) in [(problem.line, problem.element) for problem in problems(document(body))]


def test_all_problems_are_told_at_once_in_order() -> None:
    found = problems(
        document(
            """<form><block>
            <object/>
            <goto/></block></form>
            <menu/>
            <form><field name="a"><grammer src="x"/><filled><if cond="((">x</if></filled></field>
            <field name="b"><noinput><assign expr="1"/></noinput></field></form>"""
        )
    )
    # The field of line 6 may well have had the grammar whose name is wrong; the one of line 7 has none.
    assert [(problem.line, problem.element) for problem in found] == [
        (3, "object"),
        (4, "goto"),
        (5, "menu"),
        (6, "grammer"),
        (6, "if"),
        (7, "assign"),
        (7, "field"),
    ]


@pytest.mark.parametrize(
    "declaration",
    [
        'vxml SYSTEM "http://localhost/vxml.dtd"',
        'vxml PUBLIC "-//W3C//DTD VOICEXML 2.1//EN" "http://www.w3.org/TR/voicexml21/vxml.dtd"',
    ],
)
def test_a_doctype_stays_unread(declaration: str) -> None:
    parse_document(f'<!DOCTYPE {declaration}><vxml version="2.1"><form><block/></form></vxml>'.encode())


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE vxml SYSTEM "http://localhost/vxml.dtd"><vxml version="2.1"><form>&x;</form></vxml>',
        b'<!DOCTYPE vxml [<!ENTITY x SYSTEM "file:///etc/passwd">]><vxml version="2.1"><form>&x;</form></vxml>',
        b'<!DOCTYPE vxml [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]><vxml version="2.1"><form/></vxml>',
        b'<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>'
        b"<vxml>&c;</vxml>",
    ],
)
def test_no_entity_is_read(xml: bytes) -> None:
    (problem,) = problems(xml)
    assert problem.line == 1
    assert "entity" in problem.message


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"not xml",
        b'<vxml version="2.1"><form></vxml>',
        b'<vxml version="2.1">&nbsp;</vxml>',
        b'<?xml version="1.0" encoding="x-nowhere"?><vxml version="2.1"><form/></vxml>',
        b'<vxml version="2.1">' + b"<form>" * 60 + b"</form>" * 60 + b"</vxml>",
        b"<!-- " + b"x" * 1024 * 1024 + b' --><vxml version="2.1"><form/></vxml>',
        b"<html/>",
        b'<vxml version="1.0"><form/></vxml>',
    ],
)
def test_what_is_no_document_is_refused(xml: bytes) -> None:
    assert problems(xml)


_NAMES = st.sampled_from([*RULES, "record", "submit", "prosody"])
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(["name", "expr", "cond", "type", "src", "next", "time", "count", "id", "namelist", "version"]),
    st.sampled_from(["", "1", "x", "digits", "#a", "2.1", "'", "1s", "a.wav", "((", "x.y"]),
    max_size=3,
)


@st.composite
def _trees(draw: st.DrawFn, depth: int = 4) -> str:
    name = draw(_NAMES)
    attributes = "".join(f' {key}="{value}"' for key, value in draw(_ATTRIBUTES).items())
    children = draw(st.lists(_trees(depth - 1), max_size=3)) if depth else []
    return f"<{name}{attributes}>{draw(st.sampled_from(['', 'hi', ' ']))}{''.join(children)}</{name}>"


@given(_trees())
def test_any_tree_is_parsed_or_refused_and_never_breaks_the_parser(tree: str) -> None:
    with contextlib.suppress(ApplicationError):
        parse_document(document(tree))


def test_the_example_of_the_documentation_is_an_application() -> None:
    documentation = Path(__file__).parents[3] / "docs" / "telephony.md"
    lines = documentation.read_text().partition("    <?xml")[2].partition("\n\n")[0]
    example = parse_document(textwrap.dedent("    <?xml" + lines).encode())
    assert [form.id for form in example.forms] == ["remind", "other", "bye"]
