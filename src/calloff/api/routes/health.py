"""Whether the service lives, and whether it can work: for supervisors and load balancers."""

import psycopg
from fastapi import APIRouter, Request
from psycopg_pool import PoolTimeout
from starlette.responses import Response

from calloff.api.authentication import pool_of
from calloff.api.errors import error_response
from calloff.api.representation import respond
from calloff.domain.codes import Code, Said

router = APIRouter()
_NO_DATABASE = Said(Code.DATABASE_FAILED, "The database cannot be reached. Start it, or check its address.")


@router.get("/healthz")
async def healthz(request: Request) -> Response:
    """200 while the process answers."""
    return respond(request, {"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """200 while the database answers, 503 else."""
    try:
        async with pool_of(request).connection(timeout=2) as connection:
            await connection.execute("SELECT")
    except (psycopg.Error, PoolTimeout):
        return error_response(request, 503, _NO_DATABASE)
    return respond(request, {"status": "ready"})
