"""The OpenAPI document, for tools and for the page `/docs`."""

import json

from fastapi import APIRouter
from starlette.responses import Response

from calloff.api.openapi import openapi_document

router = APIRouter()
_DOCUMENT = json.dumps(openapi_document(), ensure_ascii=False, indent=1)


@router.get("/openapi.json")
async def openapi() -> Response:
    """The document; needs no credentials."""
    return Response(_DOCUMENT, media_type="application/json")
