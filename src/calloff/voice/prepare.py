"""Makes what a call will hear while it still rings: its document and its variables are known by then."""

import logging
from contextlib import suppress

from calloff.domain.errors import CalloffError
from calloff.voice.content import Audio, Piece, Prompt, Say, SayValue, Script, Var
from calloff.voice.document import Document, flat
from calloff.voice.expressions import Environment, ExpressionError
from calloff.voice.interpreter import with_defaults
from calloff.voice.loader import ReadUpload
from calloff.voice.outcome import CallInfo
from calloff.voice.prompts import Media, Value, Words, spoken_words
from calloff.voice.properties import PropertyChain
from calloff.voice.web import resolve

MAX_SENTENCES = 60
"""What is made ahead for one call."""
_LATER = 1000
"""What is added to the urgency: calls that talk already come first."""

log = logging.getLogger(__name__)


async def prepare(document: Document, call: CallInfo, media: Media, uploaded: ReadUpload) -> None:
    """Make the sentences and recordings of `document` for `call`, in document order, and keep them in the cache.

    Never raises but for cancellation: what cannot be made now is made, or found impossible, when it is needed. Values
    that are not known before the call (answers, what other hosts send) are left for then; so is what a private call
    says, which is never kept.
    """
    sentences: list[Words] = []
    files: list[Audio] = []
    known = await _values(document, call, media)
    properties = PropertyChain(document.properties)
    for prompt in document.prompts:
        sentences += _sentences(prompt, known, properties, private=call.private)
        files += [piece for piece in flat(prompt.pieces) if isinstance(piece, Audio) and piece.source is not None]
    for audio in files[:MAX_SENTENCES]:
        with suppress(CalloffError):
            address, _ = resolve(audio.base, audio.source or "")
            await media.recordings.sound(address, uploaded)
    for index, words in enumerate(sentences[:MAX_SENTENCES]):
        try:
            await media.speech.speak(words.text, words.manner, keep=True, urgency=_LATER + index)
        except CalloffError as error:
            log.debug("call %s: a sentence could not be made ahead: %s", call.id, error.message)


def _sentences(prompt: Prompt, known: dict[str, str], properties: PropertyChain, *, private: bool) -> list[Words]:
    """The sentences of a prompt that are known in full and may be kept."""
    found: list[Words] = []
    run: list[Say] = []
    pieces: list[Piece | None] = [*prompt.pieces, None]
    whole = True
    for piece in pieces:
        if isinstance(piece, SayValue):
            text = known.get(piece.expr)
            whole = whole and text is not None
            piece = Value(piece.line, text or "", piece.manner, piece.as_)
        if isinstance(piece, Say) and (not run or run[0].manner == piece.manner):
            run.append(piece)
            continue
        if whole:
            found += [words for words in spoken_words(run, properties, private=private) if words.keep]
        run, whole = [piece] if isinstance(piece, Say) else [], True
    return found


async def _values(document: Document, call: CallInfo, media: Media) -> dict[str, str]:
    """The values that expressions of prompts have before the call, in an environment that is thrown away."""
    exprs = list(dict.fromkeys(piece.expr for piece in document.speech if isinstance(piece, SayValue)))
    if not exprs:
        return {}
    try:
        environment = await media.evaluator.environment(with_defaults(document, call))
    except ExpressionError:
        return {}
    try:
        await environment.begin("document", shared=True)
        for part in document.beginning:
            await _declare(environment, part)
        texts = await environment.texts(exprs)
    except ExpressionError:
        return {}
    finally:
        await environment.close()
    return {expr: text for expr, text in zip(exprs, texts, strict=True) if text is not None}


async def _declare(environment: Environment, part: object) -> None:
    if isinstance(part, Var):
        await environment.declare("document", part.name, part.expr)
    elif isinstance(part, Script) and part.source is not None:
        await environment.script("document", part.source)
