"""Developer keys: made, shown once, revoked; an administrator may revoke those of the others, too."""

from fastapi import APIRouter, Request
from psycopg.rows import DictRow
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.keys import list_keys
from calloff.accounts.sessions import Session
from calloff.console.deployment_pages import identifier
from calloff.console.render import page
from calloff.console.visitor import actor_of, pool_of, read_form, visitor
from calloff.db.statements import load
from calloff.operations.users import add_key, revoke_key, to_key, to_user

router = APIRouter(prefix="/keys")


@router.get("")
async def keys(request: Request) -> Response:
    """The keys, without what they open with; for an administrator those of the others, too."""
    return await _show(request, await visitor(request))


@router.post("")
async def add(request: Request) -> Response:
    """One more key, which this answer shows and nothing ever again."""
    session = await visitor(request)
    await read_form(request, session)
    pool = pool_of(request)
    made = await add_key(pool, await to_user(pool, actor_of(request, session), session.user.user_id))
    return await _show(request, session, made.developer_key)


@router.post("/{key_id}/revoke")
async def revoke(request: Request) -> Response:
    """Let a key open nothing any more."""
    session = await visitor(request)
    await read_form(request, session)
    pool = pool_of(request)
    await revoke_key(pool, await to_key(pool, actor_of(request, session), identifier(request, "key_id")))
    return RedirectResponse(f"{request.scope['root_path']}/keys", 303)


async def _show(request: Request, session: Session, made: str | None = None) -> HTMLResponse:
    found = await list_keys(pool_of(request), session.user.user_id)
    return await page(request, "keys.html", keys=found, others=await _others(request, session), made=made)


async def _others(request: Request, session: Session) -> list[DictRow]:
    """What an administrator may revoke besides; nothing for anybody else."""
    if not session.user.is_administrator:
        return []
    parameters = {"account_id": session.user.account_id, "user_id": session.user.user_id}
    async with pool_of(request).connection() as connection:
        cursor = await connection.execute(load("calloff.console", "list_others_keys"), parameters)
        return await cursor.fetchall()
