"""Messages: versions that never change, published, compared and rolled back; a call keeps what it was claimed with."""

from pathlib import Path

import psycopg
import pytest

from calloff.db import migrate as migrations
from calloff.db.migrate import known_steps, migrate
from calloff.db.pool import Pool
from calloff.domain.errors import Conflict, InvalidInput, NotFound
from calloff.operations.access import OPERATOR, DeploymentAccess, to_deployment
from calloff.operations.messages import (
    compare_versions,
    list_messages,
    list_versions,
    publish_message,
    read_message,
    roll_message_back,
    save_message,
)
from calloff.voice.cache import AudioCache
from calloff.voice.messages import Draft, find_published
from calloff.voice.problems import ApplicationError
from calloff.voice.speech import Speech
from tests.integration.calls.lab import Lab
from tests.support.seed import seed
from tests.support.servers import execute, new_database

_SOUNDLESS = Speech([], AudioCache(Path("/nowhere")))
"""No voice is needed to check what says nothing."""


def document(number: int) -> Draft:
    """One version after the other."""
    return Draft(f'<vxml version="2.1"><form><block><exit expr="{number}"/></block></form></vxml>'.encode())


@pytest.fixture
async def place(pool: Pool) -> DeploymentAccess:
    """A deployment of somebody's."""
    return await to_deployment(pool, OPERATOR, (await seed(pool)).deployment_id)


async def test_a_version_never_changes(pool: Pool, place: DeploymentAccess) -> None:
    script = {"a.js": b"1"}
    draft = Draft(b'<vxml version="2.1"><script src="a.js"/><form><block/></form></vxml>', script)
    saved = await save_message(pool, place, "reminder", draft, _SOUNDLESS)
    assert (saved.version.version, saved.is_new, saved.version.files) == (1, True, {"a.js": 1})
    for change in (
        "UPDATE message_version SET vxml = 'x'",
        "DELETE FROM message_version",
        "UPDATE message_file SET content = 'x'",
        "DELETE FROM message_file",
    ):
        async with pool.connection() as connection:
            with pytest.raises(psycopg.errors.IntegrityError, match="never changes"):
                await connection.execute(change)


async def test_the_same_draft_twice_is_one_version(pool: Pool, place: DeploymentAccess) -> None:
    for _ in range(2):
        saved = await save_message(pool, place, "reminder", document(1), _SOUNDLESS)
    assert (saved.version.version, saved.is_new) == (1, False)
    assert (await save_message(pool, place, "reminder", document(2), _SOUNDLESS)).version.version == 2
    # What was the newest once is a version of its own when it comes back.
    assert (await save_message(pool, place, "reminder", document(1), _SOUNDLESS)).version.version == 3
    [listed] = await list_messages(pool, place)
    assert (listed.name, listed.version, listed.published) == ("reminder", 3, [])
    assert [kept.version for kept in await list_versions(pool, place, "reminder")] == [3, 2, 1]


async def test_what_cannot_be_run_changes_nothing(pool: Pool, place: DeploymentAccess) -> None:
    broken = Draft(b'<vxml version="2.1">\n<form>\n<blok/>\n<feld/></form></vxml>')
    with pytest.raises(ApplicationError) as refused:
        await save_message(pool, place, "reminder", broken, _SOUNDLESS)
    assert [problem.line for problem in refused.value.problems] == [3, 4]
    for name in ("", ".", "a/b", "a\nb", "x" * 101):
        with pytest.raises(InvalidInput):
            await save_message(pool, place, name, document(1), _SOUNDLESS)
    assert await list_messages(pool, place) == []


async def test_publishing_and_rolling_back(pool: Pool, place: DeploymentAccess) -> None:
    with pytest.raises(Conflict):
        await roll_message_back(pool, place)
    for number in (1, 2, 3):
        await save_message(pool, place, "reminder", document(number), _SOUNDLESS)
    await save_message(pool, place, "survey", document(9), _SOUNDLESS)
    with pytest.raises(NotFound):
        await publish_message(pool, place, "reminder", 4)
    with pytest.raises(NotFound):
        await publish_message(pool, place, "nothing")
    assert await find_published(pool, place.deployment_id) is None
    await publish_message(pool, place, "reminder", 1)
    assert (await publish_message(pool, place, "reminder")).version == 3
    await publish_message(pool, place, "reminder", 3)
    await publish_message(pool, place, "survey")
    back = [str(await roll_message_back(pool, place)) for _ in range(2)]
    # To publish what is published already is nothing to go back from.
    assert back == ["reminder 3", "reminder 1"]
    with pytest.raises(Conflict):
        await roll_message_back(pool, place)
    assert str(await find_published(pool, place.deployment_id)) == "reminder 1"
    assert (await read_message(pool, place, "reminder", 1)).published_to == [place.deployment_id]


async def test_a_message_of_another_application_is_not_there(pool: Pool, place: DeploymentAccess) -> None:
    other = await to_deployment(pool, OPERATOR, (await seed(pool)).deployment_id)
    await save_message(pool, other, "reminder", document(1), _SOUNDLESS)
    with pytest.raises(NotFound):
        await publish_message(pool, place, "reminder")
    with pytest.raises(NotFound):
        await read_message(pool, place, "reminder")
    assert await list_messages(pool, place) == []


async def test_two_versions_are_compared(pool: Pool, place: DeploymentAccess) -> None:
    first = Draft(b'<vxml version="2.1">\n<form>\n<block/></form></vxml>', {"a.js": b"1", "b.js": b"1"})
    second = Draft(
        b'<vxml version="2.1">\n<form>\n<block><exit expr="first_name"/></block></form></vxml>',
        {"b.js": b"2", "c.js": b"1"},
    )
    for draft in (first, second):
        await save_message(pool, place, "reminder", draft, _SOUNDLESS)
    found = await compare_versions(pool, place, "reminder", 1, 2)
    assert [line for line in found.lines if line[0] in "+-"][2:] == [
        "-<block/></form></vxml>",
        '+<block><exit expr="first_name"/></block></form></vxml>',
    ]
    assert found.files == {"a.js": "removed", "b.js": "changed", "c.js": "added"}
    assert found.reads_more == ["first_name"]


async def test_a_call_keeps_the_version_that_it_was_claimed_with(lab: Lab) -> None:
    place = await to_deployment(lab.pool, OPERATOR, lab.deployment_id)
    ids = []
    for number in (1, 2):
        saved = await save_message(lab.pool, place, "reminder", document(number), _SOUNDLESS)
        ids.append(saved.version.id)
    await publish_message(lab.pool, place, "reminder", 1)
    await lab.submit()
    [claimed] = await lab.claim()
    await publish_message(lab.pool, place, "reminder", 2)
    await lab.submit()
    [later] = await lab.claim()
    assert [claimed.message_version_id, later.message_version_id] == ids


async def test_documents_of_before_become_messages(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = known_steps("calloff.db")
    with new_database(server_url, template="template0") as url:
        with monkeypatch.context() as earlier:
            earlier.setattr(migrations, "known_steps", lambda package: [each for each in steps if each.version < 60])
            earlier.setattr(migrations, "known_functions", lambda package: [])
            await migrate(url)
        execute(
            url,
            "INSERT INTO account (name) VALUES ('a');"
            "INSERT INTO account_user (account_id, email) VALUES (1, 'a@example.org');"
            "INSERT INTO application (account_id, owner_user_id, name) VALUES (1, 1, 'a');"
            "INSERT INTO trunk (name, kind) VALUES ('simulated', 'simulated');"
            "INSERT INTO deployment (application_id, trunk_id, name, document_version) VALUES (1, 1, 'a', 2);"
            "INSERT INTO application_document (deployment_id, version, vxml) VALUES (1, 1, 'one'), (1, 2, 'two');"
            "INSERT INTO application_recording (deployment_id, version, name, wav) VALUES (1, 2, 'a.wav', 'sound')",
        )
        await migrate(url)
        with psycopg.connect(url) as connection:
            kept = connection.execute(
                "SELECT m.name, v.version, v.vxml, d.id, f.name FROM message AS m"
                " JOIN message_version AS v ON v.message_id = m.id"
                " LEFT JOIN deployment AS d ON d.message_version_id = v.id"
                " LEFT JOIN message_file AS f ON f.message_version_id = v.id ORDER BY v.version"
            ).fetchall()
    assert kept == [("deployment-1", 1, b"one", None, None), ("deployment-1", 2, b"two", 1, "a.wav")]
