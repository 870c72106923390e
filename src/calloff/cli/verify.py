"""`calloff verify`: checks a receipt, without the server that gave it."""

from pathlib import Path
from typing import Annotated

import typer

from calloff.cli.output import AsJson, show_values
from calloff.domain.errors import InvalidInput
from calloff.domain.receipts import check_part, read_json, verify

_File = typer.Argument(exists=True, dir_okay=False, readable=True, show_default=False)


def verify_receipt(
    receipt: Annotated[Path, _File],
    keys: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="The key set: /.well-known/calloff-receipt-keys of the server."),
    ],
    part: Annotated[str | None, typer.Option(help="Check --calls as the list of this part, too.")] = None,
    calls: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The part's call IDs, one a line, as downloaded.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that a receipt is genuine, and that a list of calls is the one it was made of."""
    if (part is None) != (calls is None):
        raise InvalidInput("--part and --calls go together. Give both, or neither.")
    found = verify(read_json(receipt.read_bytes()), read_json(keys.read_bytes()))
    checked = ""
    if part is not None and calls is not None:
        with calls.open("rb") as lines:
            checked = f" The list is that of {check_part(found, part, lines)} calls."
    show_values(found, f"The receipt is genuine.{checked}", as_json=as_json)
