"""Which column of a list holds the numbers: the one that was named, or one that address books and surveys call so."""

import re
from collections.abc import Sequence

from calloff.domain.codes import Code
from calloff.domain.errors import InvalidInput

DESTINATION = ("destination", "phone_number")
"""What the contract calls it (*Queue many calls*); beside one of these, no other name is looked at."""

_KNOWN = frozenset(
    {
        "phone", "phone no", "phone 1", "phone 1 value", "telephone", "telephone number", "tel", "tel no",
        "mobile", "mobile phone", "mobile number", "mobile no", "cell", "cell phone", "cellphone", "cell number",
        "primary phone", "main phone", "home phone", "business phone", "work phone", "daytime phone", "contact number",
        "contact phone", "patient phone", "msisdn", "number to call", "phone number",
        "telefon", "telefonnummer", "rufnummer", "handy", "handynummer", "mobil", "mobiltelefon", "mobilnummer",
        "telefono", "teléfono", "número de teléfono", "móvil", "celular", "téléphone", "portable",
        "numéro de téléphone",
        "telefone", "telemóvel", "telefoonnummer", "mobiel", "puhelin", "puhelinnumero",
    }
)  # fmt: skip
_SEPARATORS = re.compile(r"[\s_.\-:/#()]+")


def find_destination(columns: Sequence[str], chosen: str | None = None) -> int:
    """The place of the column of numbers among `columns`; `chosen` names it. Raises `InvalidInput` unless one is.

    Case, blanks and punctuation of the names do not matter.
    """
    names = [_plain(name) for name in columns]
    if chosen is not None:
        places = [place for place, name in enumerate(names) if name == _plain(chosen)]
        if not places:
            raise InvalidInput(
                f"The list has no column {chosen[:60]!r}. Name one of its columns.", field="destination_column"
            )
        return places[0]
    exact = [place for place, name in enumerate(columns) if name.lower() in DESTINATION]
    if len(exact) > 1:
        raise InvalidInput("The list has a column twice. Give each column its own name.", code=Code.COLUMN_REPEATED)
    known = exact or [place for place, name in enumerate(names) if name in _KNOWN]
    if not known:
        raise InvalidInput(
            "The list has no destination column. Name the column of numbers destination, or say which one it is with "
            "destination_column.",
            code=Code.DESTINATION_COLUMN_MISSING,
        )
    if len(known) > 1:
        several = ", ".join(repr(columns[place][:40]) for place in known[:5])
        raise InvalidInput(
            f"Several columns may hold the number to call: {several}. Say which one with destination_column.",
            field="destination_column",
        )
    return known[0]


def _plain(name: str) -> str:
    return _SEPARATORS.sub(" ", name).strip().lower()
