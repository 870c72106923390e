"""Reads a bulk upload as it streams in: the rows of its list go to the stage, its fields are kept."""

from fastapi import Request
from python_multipart.multipart import parse_options_header

from calloff.api.bodies import decode_field, refuse_compressed, unique_fields
from calloff.api.errors import UnsupportedBody
from calloff.api.multipart import MultipartStream
from calloff.calls.idempotency import fingerprint_of
from calloff.contract.fields import (
    LIST_NAME,
    SHARED_FIELDS,
    check_text,
    parse_is_pci,
    parse_list_name,
    parse_result_url,
    parse_schedule,
    parse_variables,
    refuse_unknown,
    understand_fields,
)
from calloff.domain.codes import Code
from calloff.domain.errors import InvalidInput
from calloff.domain.patience import MAX_LIST, read_patiently, too_large
from calloff.lists.bulk import SharedFields, Upload
from calloff.lists.staging import Staging

_MAX_FIELD = 128 * 1024
_MAX_FIELDS = 100
_DESTINATION_COLUMN = "destination_column"
"""Names the column of the numbers, for lists that call it as nobody else does."""


async def read_upload(request: Request, upload: Upload, country: str) -> tuple[SharedFields, bytes]:
    """Stage every row of the list; returns what holds for all of them, and the fingerprint of the request.

    Raises `InvalidInput`, `UnsupportedBody`, `TooLarge` above 512 MiB, or `TooSlow`.
    """
    stream = MultipartStream(_boundary(request))
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_LIST:
        raise too_large(MAX_LIST)
    async with Staging(upload, country) as staging:
        reader = _Reader(upload, staging)
        async for chunk in read_patiently(aiter(request.stream()), MAX_LIST):
            for piece in stream.feed(chunk):
                if piece.name == "csv":
                    await reader.take_list(piece.data, ends=piece.ends)
                else:
                    reader.take_field(piece.name, piece.data, ends=piece.ends)
        stream.finish()
        return reader.finish()


def _boundary(request: Request) -> bytes:
    refuse_compressed(request)
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    if content_type != b"multipart/form-data":
        raise UnsupportedBody("A bulk upload has to be multipart/form-data. Send the list as its part csv.")
    return options.get(b"boundary", b"")


class _Reader:
    """Collects the parts of the form."""

    def __init__(self, upload: Upload, staging: Staging) -> None:
        self._upload = upload
        self._staging = staging
        self._list_ended = False
        self._fields: list[tuple[str, str]] = []
        self._value = bytearray()

    async def take_list(self, data: bytes, *, ends: bool) -> None:
        if self._list_ended:
            raise InvalidInput("csv was sent twice. Send one list.", code=Code.FIELD_REPEATED)
        await self._staging.feed(data)
        if ends:
            await self._staging.finish()
            self._list_ended = True

    def take_field(self, name: str, data: bytes, *, ends: bool) -> None:
        self._value += data
        if len(self._value) > _MAX_FIELD:
            raise InvalidInput("A field is too long. Send the list as the part csv.", code=Code.BODY_MALFORMED)
        if len(self._fields) >= _MAX_FIELDS:
            raise InvalidInput("The form has too many fields. Send each field once.", code=Code.BODY_MALFORMED)
        if ends:
            value = decode_field(bytes(self._value))
            self._value.clear()
            self._fields.append((name, value))
            if name == _DESTINATION_COLUMN and value:
                self._staging.choose(value)

    def finish(self) -> tuple[SharedFields, bytes]:
        if not self._list_ended:
            raise InvalidInput("csv is missing. Send the list as the part csv of the form.", code=Code.CSV_MISSING)
        fields = understand_fields(unique_fields(self._fields), form=True)
        check_text(fields)
        refuse_unknown(fields, {*SHARED_FIELDS, _DESTINATION_COLUMN, LIST_NAME})
        shared = SharedFields(
            parse_schedule(fields),
            parse_result_url(fields),
            parse_is_pci(fields),
            dict(parse_variables(fields) or {}),
            parse_list_name(fields),
        )
        return shared, fingerprint_of({**fields, "csv": self._upload.digest.hexdigest()})
