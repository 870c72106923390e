"""The identifiers in paths: what is not a positive integer does not exist (contract, *Every request*)."""

import re
from typing import Any

from fastapi import Request

from calloff.api.authentication import authenticated_user, pool_of
from calloff.domain.errors import NO_DEPLOYMENT, Deleted, NotFound
from calloff.operations.access import Actor, DeploymentAccess, Door, to_deployment
from calloff.operations.operation import Operation

_IDENTIFIER = re.compile(r"[1-9][0-9]{0,18}")
_LARGEST = 2**63 - 1


def identifier(request: Request, name: str, *, missing: str) -> int:
    """The path's parameter `name`. Raises `NotFound` with the message `missing`."""
    text = request.path_params[name]
    if not _IDENTIFIER.fullmatch(text) or int(text) > _LARGEST:
        raise NotFound(missing)
    return int(text)


async def actor_of(request: Request) -> Actor:
    """Who asks over the API. Raises `NotAuthenticated`, or `TooManyAttempts`."""
    user = await authenticated_user(request)
    return Actor(user, Door.API, request.client.host if request.client else None)


async def enter(
    request: Request, operation: Operation[Any, ..., Any], *, deleted_is_conflict: bool = False
) -> DeploymentAccess:
    """The access to the deployment of a path `/api/apps/{application_id}/{deployment_id}/…`, good for `operation`.

    Checked in the order of the contract: raises `NotAuthenticated`, `NotFound` or `NotPermitted`. What was deleted is
    not found, or a `Deleted` conflict.
    """
    actor = await actor_of(request)
    application_id = identifier(request, "application_id", missing=NO_DEPLOYMENT)
    deployment_id = identifier(request, "deployment_id", missing=NO_DEPLOYMENT)
    access = await to_deployment(pool_of(request), actor, deployment_id, application_id=application_id)
    try:
        operation.check(access)
    except Deleted as error:
        if deleted_is_conflict:
            raise
        raise NotFound(NO_DEPLOYMENT) from error
    return access
