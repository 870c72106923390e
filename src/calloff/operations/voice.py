"""What runs on the answered calls of a deployment.

A module of its own, because the libraries for sounds take longer to load than any other operation takes.
"""

from collections.abc import Mapping

from calloff.accounts.access import Permission
from calloff.operations.access import DeploymentAccess, Door
from calloff.operations.operation import Act, operation
from calloff.voice.applications import check_application, keep_application
from calloff.voice.speech import Speech


@operation("upload an application", Permission.ADMINISTER, Door.CLI)
async def upload_application(
    act: Act[DeploymentAccess], vxml: bytes, recordings: Mapping[str, bytes], speech: Speech
) -> int:
    """Make the document and its WAV recordings by name the deployment's application; returns its version.

    The calls that start from now on run it. Raises `ApplicationError` with every problem of the document, and
    `InvalidInput` for a recording or a text that cannot be heard; then nothing has changed.
    """
    await check_application(vxml, recordings, speech)
    async with act.change() as change:
        version = await keep_application(change.connection, act.access.deployment_id, vxml, recordings)
        change.values = {"version": (version - 1 or None, version)}
    return version
