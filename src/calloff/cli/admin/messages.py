"""`calloff admin message`: what the calls of deployments hear."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calloff.cli.admin.database import at_application, at_deployment, carry_out, on_database
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_list, show_values
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.domain.errors import InvalidInput

if TYPE_CHECKING:
    from calloff.voice.messages import Version

messages = typer.Typer(
    name="message", help="What people hear: kept in versions, and published to deployments.", no_args_is_help=True
)

_Application = Annotated[int, typer.Option("--app", help="ID of the application.")]
_Version = Annotated[int | None, typer.Option(help="Which version; else the newest.")]

# Only what runs a command needs the sounds' libraries, which take longer to load than any other command takes: so
# each imports its operation by itself.


@messages.command("put")
@with_settings("admin")
def put_message_command(
    settings: Settings,
    name: str,
    document: Annotated[Path, typer.Argument(help="VoiceXML document.", exists=True, dir_okay=False)],
    application: _Application = 1,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            help="Sound, grammar, script or further document that it names by its name. Repeatable.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    deployment: Annotated[
        list[int] | None, typer.Option(help="ID of a deployment to publish it to at once. Repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a document with its files the newest version of a message; says everything that is wrong with it."""
    from calloff.operations.messages import publish_message, save_message
    from calloff.voice.messages import Draft
    from calloff.wiring.voice import speech_of

    draft = Draft(document.read_bytes(), _read(file or []))

    async def work(pool: Pool) -> tuple["Version", bool]:
        places = [await at_deployment(each)(pool) for each in deployment or []]
        if any(place.application_id != application for place in places):
            raise InvalidInput("A deployment is not of that application. Name one of its own, or another --app.")
        saved = await save_message(pool, await at_application(application)(pool), name, draft, speech_of(settings))
        for place in places:
            await publish_message(pool, place, saved.version.name, saved.version.version)
        return saved.version, saved.is_new

    version, is_new = on_database(settings, work)
    sentence = f"{version.name} has version {version.version} now." if is_new else "Nothing has changed in it."
    for each in deployment or []:
        sentence += f" The calls of deployment {each} hear it from now on."
    show_values({**_values(version), "is_new": is_new}, sentence, as_json=as_json)


@messages.command("list")
@with_settings("admin")
def list_messages_command(settings: Settings, application: _Application = 1, as_json: AsJson = False) -> None:
    """List the messages of an application."""
    from calloff.operations.messages import list_messages

    found = carry_out(settings, at_application(application), list_messages)
    show_list("messages", found, as_json=as_json)


@messages.command("versions")
@with_settings("admin")
def list_versions_command(
    settings: Settings, name: str, application: _Application = 1, as_json: AsJson = False
) -> None:
    """List the versions of a message, newest first."""
    from calloff.operations.messages import list_versions

    found = carry_out(settings, at_application(application), list_versions, name)
    show_list("versions", found, as_json=as_json)


@messages.command("show")
@with_settings("admin")
def show_message_command(
    settings: Settings, name: str, application: _Application = 1, version: _Version = None, as_json: AsJson = False
) -> None:
    """Print the VoiceXML of a message."""
    from calloff.operations.messages import read_message

    found = carry_out(settings, at_application(application), read_message, name, version)
    document = found.vxml.decode("utf-8", errors="replace")
    show_values({**_values(found), "vxml": document}, document, as_json=as_json)


@messages.command("compare")
@with_settings("admin")
def compare_versions_command(
    settings: Settings, name: str, old: int, new: int, application: _Application = 1, as_json: AsJson = False
) -> None:
    """Print what changed from one version of a message to another."""
    from calloff.operations.messages import compare_versions

    found = carry_out(settings, at_application(application), compare_versions, name, old, new)
    lines = [*found.lines, *(f"{file}: {what}" for file, what in found.files.items())]
    values = {"lines": found.lines, "files": dict(found.files), "reads_more": found.reads_more}
    show_values(values, "\n".join(lines) or "The two are the same.", as_json=as_json)


@messages.command("publish")
@with_settings("admin")
def publish_message_command(
    settings: Settings, name: str, deployment_id: int, version: _Version = None, as_json: AsJson = False
) -> None:
    """Let the calls of a deployment hear a message, from the next one that is dialed on."""
    from calloff.operations.messages import publish_message

    made = carry_out(settings, at_deployment(deployment_id), publish_message, name, version)
    sentence = f"The calls of deployment {deployment_id} hear version {made.version} of {made.name} from now on."
    show_values({"id": deployment_id, "message": made.name, "version": made.version}, sentence, as_json=as_json)


@messages.command("rollback")
@with_settings("admin")
def roll_back_command(settings: Settings, deployment_id: int, as_json: AsJson = False) -> None:
    """Let the calls of a deployment hear what was published before."""
    from calloff.operations.messages import roll_message_back

    made = carry_out(settings, at_deployment(deployment_id), roll_message_back)
    sentence = f"The calls of deployment {deployment_id} hear version {made.version} of {made.name} again."
    show_values({"id": deployment_id, "message": made.name, "version": made.version}, sentence, as_json=as_json)


def _read(files: Sequence[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files}


def _values(version: "Version") -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "reads": version.reads,
        "files": dict(version.files),
        "published_to": version.published_to,
    }
