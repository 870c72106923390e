"""Writes changes that a page makes to the audit log."""

from fastapi import Request

from calloff.accounts.audit import record
from calloff.accounts.sessions import Session
from calloff.console.visitor import origin, pool_of


async def record_change(request: Request, session: Session, action: str, subject: str) -> None:
    """Write down that the visitor did `action` to `subject`."""
    await record(
        pool_of(request),
        action,
        subject,
        account_id=session.user.account_id,
        user_id=session.user.user_id,
        origin=origin(request),
    )
