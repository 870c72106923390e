"""Permissions: what a user may do with an application of the account that somebody else owns."""

from collections.abc import Collection
from dataclasses import dataclass

from calloff.accounts.access import Permission
from calloff.accounts.rows import fetch_all, fetch_one
from calloff.db.source import Source
from calloff.domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class Share:
    """What one user may do with one application."""

    application_id: int
    user_id: int
    may_view: bool
    may_queue: bool
    may_cancel: bool
    may_administer: bool

    @property
    def subject(self) -> str:
        """As the audit log names it: `application 1, user 2: cancel view`."""
        granted = sorted(permission for permission in Permission if getattr(self, f"may_{permission}"))
        return f"application {self.application_id}, user {self.user_id}: {' '.join(granted) or 'nothing'}"


async def share_application(
    source: Source, application_id: int, user_id: int, permissions: Collection[Permission]
) -> Share:
    """Let the user do exactly `permissions` with the application, whatever it was before; none takes all away.

    Raises `NotFound` if there are no such application and user in one account.
    """
    share = await fetch_one(
        source,
        Share,
        "share",
        {"application_id": application_id, "user_id": user_id}
        | {f"may_{permission}": permission in permissions for permission in Permission},
    )
    if share is None:
        raise NotFound("No such application and user were found in one account. List both.")
    return share


async def list_shares(source: Source, application_id: int) -> list[Share]:
    """With whom the application is shared."""
    return await fetch_all(source, Share, "list_shares", {"application_id": application_id})
