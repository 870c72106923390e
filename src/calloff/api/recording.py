"""Writes changes that came over the API to the audit log."""

from fastapi import Request
from starlette.background import BackgroundTask

from calloff.accounts.access import User
from calloff.accounts.audit import record
from calloff.api.authentication import pool_of
from calloff.api.identifiers import origin


def recording(request: Request, user: User, action: str, subject: str) -> BackgroundTask:
    """Writes down that `user` did `action` to `subject`: to be handed to the answer, or to be awaited before it."""
    return BackgroundTask(
        record,
        pool_of(request),
        action,
        subject,
        account_id=user.account_id,
        user_id=user.user_id,
        origin=origin(request),
    )
