"""What the pages of a deployment have in common: who may see them, and the frame around them."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse

from calloff.accounts.access import Permission
from calloff.accounts.sessions import Session
from calloff.console.numbers import Numbers, live_numbers
from calloff.console.render import page
from calloff.console.visitor import actor_of, pool_of, visitor
from calloff.db.statements import load
from calloff.domain.errors import NotFound
from calloff.operations.access import DeploymentAccess, Right, check, to_deployment

_LARGEST = 2**63 - 1
_FIRST = {
    Permission.VIEW: "",
    Permission.CANCEL: "/cancel",
    Permission.QUEUE: "/queue",
    Permission.ADMINISTER: "/settings",
}
"""Where each permission leads those who may not view."""


@dataclass(frozen=True, slots=True)
class Place:
    """A deployment that somebody looks at."""

    request: Request
    session: Session
    access: DeploymentAccess

    @property
    def application_id(self) -> int:
        """Of the application that the deployment runs."""
        return self.access.application_id

    @property
    def deployment_id(self) -> int:
        """Of the deployment."""
        return self.access.deployment_id

    @property
    def may(self) -> frozenset[Right]:
        """What the visitor may do there."""
        return self.access.may

    @property
    def first_page(self) -> str:
        """The address of the first page of the deployment that the visitor may open."""
        return self.url + next(path for permission, path in _FIRST.items() if permission in self.may)

    @property
    def url(self) -> str:
        """Of the deployment's first page."""
        return f"{self.request.scope['root_path']}/apps/{self.application_id}/{self.deployment_id}"


def identifier(request: Request, name: str) -> int:
    """The path's parameter `name`. Raises `NotFound` for what cannot be one."""
    text: str = request.path_params[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 20) or not 0 < int(text) <= _LARGEST:
        raise NotFound("There is no such page.")
    return int(text)


async def enter(request: Request, *rights: Right) -> Place:
    """The deployment of a path `/apps/{application_id}/{deployment_id}/…`, for whoever has one of these rights.

    Raises `MustSignIn`, `NotFound`, `NotPermitted` or `Deleted`.
    """
    session = await visitor(request)
    application_id, deployment_id = identifier(request, "application_id"), identifier(request, "deployment_id")
    access = await to_deployment(
        pool_of(request), actor_of(request, session), deployment_id, application_id=application_id
    )
    check(access, rights)
    return Place(request, session, access)


async def deployment_page(place: Place, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page inside the deployment's frame: its name and IDs, its tabs, and the button that calls everything off."""
    pool = pool_of(place.request)
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "find_deployment"), {"deployment_id": place.deployment_id})
        deployment = await cursor.fetchone()
    numbers: Numbers = await live_numbers(pool, place.deployment_id)
    return await page(
        place.request,
        template,
        status=status,
        place=place,
        deployment=deployment,
        numbers=numbers,
        may=place.may,
        **values,
    )
