"""Messages: what the answered calls of an application's deployments hear.

A module of its own, because the libraries for sounds take longer to load than any other operation takes.
"""

from dataclasses import dataclass

from calloff.accounts.access import Permission
from calloff.operations.access import ApplicationAccess, DeploymentAccess, Door
from calloff.operations.operation import Act, Record, operation
from calloff.voice import messages
from calloff.voice.applications import check_application
from calloff.voice.comparison import Comparison, compare
from calloff.voice.messages import Draft, Kept, Listed, Published, Version, check_message_name
from calloff.voice.speech import Speech

_EVERYWHERE = (Door.API, Door.CONSOLE, Door.CLI)


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a draft."""

    version: Version
    is_new: bool
    """False if the newest version was the same already."""


@operation("save a message", Permission.ADMINISTER, *_EVERYWHERE)
async def save_message(act: Act[ApplicationAccess], name: str, draft: Draft, speech: Speech) -> Saved:
    """Make the draft the newest version of the application's message of that name, which is made if it is new.

    No call hears it before it is published. Raises `ApplicationError` with every problem of the document, and
    `InvalidInput` for a name, for a sound or for a text that cannot be heard; then nothing has changed.
    """
    name = check_message_name(name)
    document = await check_application(draft.vxml, draft.files, speech)
    application_id, actor = act.access.application_id, act.access.actor
    async with act.change() as change:
        number, is_new = await messages.keep_version(
            change.connection, application_id, name, draft, document, actor.user_id
        )
        change.subject = f"application {application_id}, message {name}"
        change.values = {"version": (number - 1 if is_new else number, number)}
        return Saved(await messages.find_version(change.connection, application_id, name, number), is_new)


@operation("publish a message", Permission.ADMINISTER, *_EVERYWHERE)
async def publish_message(act: Act[DeploymentAccess], name: str, version: int | None = None) -> Published:
    """Let the deployment's calls hear that version, or the newest one, from the next claim on.

    A call that was claimed before keeps what it was claimed with. Raises `NotFound`.
    """
    async with act.change() as change:
        before = await messages.lock_published(change.connection, act.access.deployment_id)
        found = await messages.find_version(change.connection, act.access.application_id, name, version)
        await messages.publish(change.connection, act.access.deployment_id, found)
        after = Published(found.name, found.version, found.reads)
        change.values = {"message": (before and str(before), str(after))}
    return after


@operation("roll a message back", Permission.ADMINISTER, *_EVERYWHERE)
async def roll_message_back(act: Act[DeploymentAccess]) -> Published:
    """Let the deployment's calls hear what was published before. Raises `Conflict` if nothing was."""
    async with act.change() as change:
        before = await messages.lock_published(change.connection, act.access.deployment_id)
        await messages.roll_back(change.connection, act.access.deployment_id)
        after = await messages.find_published(change.connection, act.access.deployment_id)
        assert after is not None
        change.values = {"message": (before and str(before), str(after))}
    return after


@operation("list messages", Permission.VIEW, *_EVERYWHERE, record=Record.NOTHING)
async def list_messages(act: Act[ApplicationAccess]) -> list[Listed]:
    """The application's messages, by name."""
    return await messages.list_messages(act.pool, act.access.application_id)


@operation("list versions", Permission.VIEW, *_EVERYWHERE, record=Record.NOTHING)
async def list_versions(act: Act[ApplicationAccess], name: str) -> list[Kept]:
    """The versions of a message, newest first. Raises `NotFound`."""
    return await messages.list_versions(act.pool, act.access.application_id, name)


@operation("read a message", Permission.VIEW, *_EVERYWHERE, record=Record.NOTHING)
async def read_message(act: Act[ApplicationAccess], name: str, version: int | None = None) -> Version:
    """That version of a message; the newest unless one is named. Raises `NotFound`."""
    return await messages.find_version(act.pool, act.access.application_id, name, version)


@operation("compare versions", Permission.VIEW, *_EVERYWHERE, record=Record.NOTHING)
async def compare_versions(act: Act[ApplicationAccess], name: str, old: int, new: int) -> Comparison:
    """What changed from one version of a message to another. Raises `NotFound`."""
    async with act.pool.connection() as connection:
        first = await messages.find_version(connection, act.access.application_id, name, old)
        second = await messages.find_version(connection, act.access.application_id, name, new)
        files = [await messages.find_files(connection, each) for each in (first, second)]
    return compare(first, second, *files)
