"""Writes changes that came over the API to the audit log, mostly after they were answered."""

import logging

import psycopg
from fastapi import Request
from psycopg_pool import PoolTimeout
from starlette.background import BackgroundTask

from calloff.accounts.access import User
from calloff.accounts.audit import record
from calloff.api.authentication import pool_of
from calloff.api.identifiers import origin

_log = logging.getLogger(__name__)


def recording(request: Request, user: User, action: str, subject: str) -> BackgroundTask:
    """To be handed to the answer: that `user` did `action` to `subject`."""
    return BackgroundTask(
        record,
        pool_of(request),
        action,
        subject,
        account_id=user.account_id,
        user_id=user.user_id,
        origin=origin(request),
    )


async def record_before_answer(request: Request, user: User, action: str, subject: str) -> None:
    """The same at once, for an answer that a client may never take in. What was done stays done if this fails."""
    try:
        await recording(request, user, action, subject)()
    except (psycopg.Error, PoolTimeout) as error:
        _log.error("user %d: %s, %s is not in the audit log: %s", user.user_id, action, subject, type(error).__name__)
