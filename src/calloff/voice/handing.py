"""The seam for what a call is handed to: a recorder (`<record>`) or somebody else (`<transfer>`).

Both are parsed in full (`document.Record`, `document.Transfer`) and their prompts are played. Whoever builds them gives
`fia.Dialogue` something that fills the item, with its shadow variables, instead of throwing this event.
"""

from calloff.voice.document import Record, Transfer
from calloff.voice.events import Event

MESSAGES = {
    "record": "Calls cannot be recorded yet; ask with keys instead.",
    "transfer": "Calls cannot be handed over yet; say the number to call instead.",
}


def unsupported(item: Record | Transfer) -> Event:
    """The event that the application gets (VoiceXML 2.0 section 5.2.6)."""
    name = f"error.unsupported.{item.element}"
    if isinstance(item, Transfer):
        name = f"error.unsupported.transfer.{'bridge' if item.bridge else 'blind'}"
    return Event(name, MESSAGES[item.element], line=item.line, element=item.element)
