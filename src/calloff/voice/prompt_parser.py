"""Builds prompts from text and from the elements of SSML 1.0."""

import re
from collections.abc import Sequence
from dataclasses import replace

from calloff.voice import values
from calloff.voice.attributes import Attributes
from calloff.voice.content import Audio, Break, Enumerate, Manner, Piece, Prompt, Repeat, Say, SayAs, SayValue
from calloff.voice.say_as import say_as
from calloff.voice.xml_reader import Element, Text

SPOKEN = values.words(
    "audio value enumerate break emphasis mark phoneme prosody say-as sub voice p s paragraph sentence"
)
_PAUSES = {"p": 0.6, "paragraph": 0.6, "s": 0.3, "sentence": 0.3}
"""Seconds of silence after what is marked as a unit, where no full stop makes one."""
_SPEEDS = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.35, "x-fast": 1.8}
_VOLUMES = {"silent": 0.0, "x-soft": 0.25, "soft": 0.5, "medium": 1.0, "default": 1.0, "loud": 1.4, "x-loud": 1.8}
_PITCHES = {"x-low": 0.6, "low": 0.8, "medium": 1.0, "default": 1.0, "high": 1.25, "x-high": 1.6}


class PromptParser:
    """Parses what is said; adds each prompt to those of the document."""

    def __init__(self, attributes: Attributes, manner: Manner) -> None:
        self._read = attributes
        self.manner = manner
        """How text is spoken where no element says otherwise."""

    def prompt(self, element: Element) -> Prompt:
        """A `<prompt>`."""
        manner = replace(self.manner, language=self._read.language(element, self.manner.language))
        base = element.attributes.get("xml:base")
        before, self._read.base = self._read.base, base or self._read.base
        prompt = Prompt(
            line=element.line,
            pieces=self.pieces(element.children, manner),
            barge_in=self._read.boolean(element, "bargein"),
            count=self._read.whole_number(element, "count"),
            cond=self._read.expression(element, "cond"),
            timeout=self._read.seconds(element, "timeout"),
        )
        self._read.base = before
        return self._remember(prompt)

    def loose(self, children: Sequence[Element | Text]) -> Prompt | None:
        """Text, `audio` and `value` that stand outside of a `<prompt>`; None if nothing is said."""
        pieces = self.pieces(children, self.manner)
        return self._remember(Prompt(pieces[0].line, pieces)) if pieces else None

    def prompts(self, parent: Element) -> tuple[Prompt, ...]:
        """All that is said in a field, a menu or another item that asks."""
        prompts: list[Prompt] = []
        loose: list[Element | Text] = []

        def say() -> None:
            prompt = self.loose(loose)
            if prompt is not None:
                prompts.append(prompt)
            loose.clear()

        for child in parent.children:
            if isinstance(child, Text) or child.name in SPOKEN:
                loose.append(child)
            elif child.name == "prompt":
                say()
                prompts.append(self.prompt(child))
        say()
        return tuple(prompts)

    def pieces(self, children: Sequence[Element | Text], manner: Manner) -> tuple[Piece, ...]:
        """What is said between two tags."""
        pieces: list[Piece] = []
        for child in children:
            if isinstance(child, Text):
                text = " ".join(child.text.split())
                if text:
                    pieces.append(Say(child.line, text, manner))
            else:
                pieces += self._element(child, manner)
        return tuple(pieces)

    def _element(self, element: Element, manner: Manner) -> Sequence[Piece]:
        match element.name:
            case "value":
                return [SayValue(element.line, self._read.expression(element, "expr") or "''", manner)]
            case "audio":
                return [self._audio(element, manner)]
            case "break":
                return [Break(element.line, self._break(element))]
            case "say-as":
                return self._say_as(element, manner)
            case "sub":
                return [Say(element.line, element.attributes["alias"], manner)]
            case "enumerate":
                return [Enumerate(element.line, self.pieces(element.children, manner), manner)]
            case "foreach":
                self._read.name(element, element.attributes["item"])
                array = self._read.expression(element, "array") or "[]"
                pieces = self.pieces(element.children, manner)
                return [Repeat(element.line, element.attributes["item"], array, pieces)]
            case "prosody" | "voice" | "emphasis":
                return self.pieces(element.children, self._changed(element, manner))
            case "p" | "s" | "paragraph" | "sentence":
                inner = replace(manner, language=self._read.language(element, manner.language))
                return [*self.pieces(element.children, inner), Break(element.line, _PAUSES[element.name])]
            case "phoneme":
                # The text is what SSML lets a processor say that does not know the alphabet.
                return self.pieces(element.children, manner)
            case _:
                return []

    def _audio(self, element: Element, manner: Manner) -> Audio:
        target = self._read.target(element, "src", "expr")
        instead = self.pieces([child for child in element.children if _is_said(child)], manner)
        return Audio(element.line, target.address, target.expr, instead, self._read.base)

    def _break(self, element: Element) -> float:
        time, strength = element.attributes.get("time"), element.attributes.get("strength")
        return self._read.read(element, lambda: values.break_seconds(time, strength), 0.0)

    def _say_as(self, element: Element, manner: Manner) -> Sequence[Piece]:
        kind = element.attributes.get("interpret-as") or element.attributes.get("type") or ""
        if not kind:
            self._read.report(element, 'Add the attribute interpret-as, such as interpret-as="date".')
        as_ = SayAs(kind.removeprefix("vxml:"), element.attributes.get("format", ""))
        said: list[Piece] = []
        for piece in self.pieces(element.children, manner):
            if isinstance(piece, Say):
                piece = replace(piece, text=say_as(piece.text, as_, manner.language))
            said.append(replace(piece, as_=as_) if isinstance(piece, Say | SayValue) else piece)
        return said

    def _changed(self, element: Element, manner: Manner) -> Manner:
        given = element.attributes
        if element.name == "emphasis":
            strong = given.get("level", "moderate") == "strong"
            return replace(manner, speed=manner.speed * 0.9, volume=manner.volume * (1.4 if strong else 1.2))
        if element.name == "voice":
            language = self._read.language(element, manner.language)
            return replace(
                manner, language=language, voice=given.get("name"), gender=given.get("gender", manner.gender)
            )
        return replace(
            manner,
            speed=manner.speed * self._factor(element, "rate", _SPEEDS),
            pitch=manner.pitch * self._factor(element, "pitch", _PITCHES),
            volume=manner.volume * self._factor(element, "volume", _VOLUMES),
        )

    def _factor(self, element: Element, attribute: str, words: dict[str, float]) -> float:
        text = element.attributes.get(attribute, "medium").strip()
        factor = words.get(text) if text in words else _number(text, attribute)
        if factor is None:
            self._read.report(
                element, f"{attribute} is one of {', '.join(words)}, or a change such as +10%; correct it."
            )
            return 1.0
        return min(max(factor, 0.0), 3.0)

    def _remember(self, prompt: Prompt) -> Prompt:
        self._read.prompts.append(prompt)
        return prompt


def _is_said(child: Element | Text) -> bool:
    return isinstance(child, Text) or child.name != "desc"


def _number(text: str, attribute: str) -> float | None:
    """A factor from `+10%`, `-10%`, `120%`, a number, or a pitch in Hz or semitones, which are left as they are."""
    percent = re.fullmatch(r"([+-]?)([0-9]{1,3}(?:\.[0-9]+)?)%", text, re.ASCII)
    if percent is not None:
        share = float(percent[2]) / 100
        return {"+": 1 + share, "-": max(1 - share, 0.1), "": share}[percent[1]]
    if attribute == "pitch" and re.fullmatch(r"[+-]?[0-9.]+(Hz|st)", text, re.ASCII):
        return 1.0
    number = re.fullmatch(r"([+-]?)([0-9]{1,3}(?:\.[0-9]+)?)", text, re.ASCII)
    if number is None:
        return None
    value = float(number[2])
    if attribute == "volume":
        return max(1 + float(text) / 100, 0.0) if number[1] else value / 100
    return value if value else None
