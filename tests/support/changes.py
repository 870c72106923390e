"""What the audit log holds: each kind of change with every operation that makes one; and what is left out of it.

An operation is a form of the console or a request to the API, by method and path, or a command line. Names in braces
are filled in by the test that does it.
"""

from dataclasses import dataclass

from psycopg.rows import class_row

from calloff.accounts.audit import write_entry
from calloff.db.pool import Pool
from calloff.domain import entries as domain_entries

_LOOKS = "only looks"
_OWN_RECORD = "a single call is its own record"
_SESSION = "a session is no change of what the account has"
_PROCESS = "runs until it is stopped; what is asked of it is written down when it is asked"

_NEWEST = """
SELECT (SELECT max(id) FROM account) AS new_account, (SELECT max(id) FROM account_user) AS new_user,
       (SELECT max(id) FROM developer_key) AS new_key, (SELECT max(id) FROM application) AS new_application,
       (SELECT max(id) FROM deployment) AS new_deployment, (SELECT max(id) FROM trunk) AS new_trunk,
       (SELECT max(id) FROM call) AS new_call
"""
_ENTRIES = """
SELECT account_id, user_id, origin, action, subject
FROM (
    SELECT at, account_id, user_id, origin, action, subject FROM audit_log
    UNION ALL
    SELECT x.canceled_at, a.account_id, x.user_id, x.origin,
           CASE WHEN l.id IS NULL THEN 'call everything off' ELSE 'call a list off' END,
           CASE WHEN l.id IS NULL THEN 'deployment ' || d.id ELSE 'list ' || l.id END
    FROM cancellation AS x
    JOIN deployment AS d ON d.id = x.deployment_id
    JOIN application AS a ON a.id = d.application_id
    LEFT JOIN list AS l ON l.deployment_id = x.deployment_id AND l.epoch = x.epoch - 1
    WHERE x.origin <> 'test' AND d.deleted_at IS NULL
) AS entry
ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change, under the one name that it has wherever it is made."""

    action: str
    subject: str
    operations: tuple[str, ...]


def _change(action: str, subject: str, *operations: str) -> Change:
    return Change(action, subject, operations)


CHANGES = (
    _change("add an account", "account {new_account}", "calloff admin account add Clinic"),
    _change(
        "limit an account",
        "account {account_id}",
        "POST /console/limits/{account_id}",
        "calloff admin account limit {account_id} --max-concurrent-calls 5",
    ),
    _change(
        "set an account's destinations",
        "account {account_id}",
        "calloff admin account destinations {account_id} DE +4930",
    ),
    _change(
        "set an account's calling hours", "account {account_id}", "calloff admin account hours {account_id} 08:00 21:00"
    ),
    _change(
        "forbid a number",
        "account {account_id}",
        "POST /api/do_not_call/add",
        "calloff admin do-not-call add 6175551234 --account {account_id} --source told",
    ),
    _change(
        "allow a number again",
        "account {account_id}",
        "POST /api/do_not_call/remove",
        "calloff admin do-not-call remove 6175551234 --account {account_id}",
    ),
    _change(
        "forbid a list of numbers",
        "account {account_id}",
        "calloff admin do-not-call import {list} --account {account_id} --source bought",
    ),
    _change("set an account's country", "account {account_id}", "calloff admin account country {account_id} DE"),
    _change("pause every deployment", "account {account_id}", "POST /console/limits/{account_id}/pause"),
    _change(
        "deactivate an account",
        "account {account_id}",
        "POST /console/limits/{account_id}/deactivate",
        "calloff admin account deactivate {account_id}",
    ),
    _change(
        "reactivate an account",
        "account {account_id}",
        "POST /console/limits/{account_id}/reactivate",
        "calloff admin account reactivate {account_id}",
    ),
    _change(
        "add a user",
        "user {new_user}",
        "POST /console/users",
        "calloff admin user add anna@example.org --account {account_id}",
    ),
    _change(
        "deactivate a user",
        "user {user_id}",
        "POST /console/users/{user_id}/deactivate",
        "calloff admin user deactivate {user_id}",
    ),
    _change(
        "reactivate a user",
        "user {user_id}",
        "POST /console/users/{user_id}/reactivate",
        "calloff admin user reactivate {user_email}",
    ),
    _change(
        "make a user an administrator",
        "user {user_id}",
        "POST /console/users/{user_id}/role",
        "calloff admin user role {user_id} --administrator",
    ),
    _change("make an administrator a user", "user {user_id}", "calloff admin user role {user_email} --user"),
    _change(
        "reset a password",
        "user {user_id}",
        "POST /console/users/{user_id}/password",
        "calloff admin user password {user_id}",
    ),
    _change("change the password", "user {visitor_id}", "POST /console/password"),
    _change("make a developer key", "key {new_key}", "POST /console/keys", "calloff admin key add {user_id}"),
    _change(
        "revoke a developer key",
        "key {key_id}",
        "POST /console/keys/{key_id}/revoke",
        "calloff admin key revoke {key_id}",
    ),
    _change(
        "create an application",
        "application {new_application}",
        "POST /console/apps",
        "calloff admin app add Surveys --owner {user_id}",
    ),
    _change("rename an application", "application {application_id}", "POST /console/apps/{application_id}/rename"),
    _change(
        "share an application",
        "application {application_id}, user {user_id}: cancel view",
        "POST /console/apps/{application_id}/share",
        "calloff admin share {application_id} {user_email} --view --cancel",
    ),
    _change(
        "delete an application",
        "application {application_id}",
        "POST /console/apps/{application_id}/delete",
        "calloff admin app delete {application_id}",
    ),
    _change(
        "create a deployment",
        "deployment {new_deployment}",
        "POST /console/apps/{application_id}/deployments",
        "calloff admin deployment add night --app {application_id}",
    ),
    _change(
        "change the settings",
        "deployment {deployment_id}",
        "POST /console/apps/{application_id}/{deployment_id}/settings",
        "calloff admin deployment set {deployment_id} --name night",
    ),
    _change(
        "save a message",
        "application {application_id}, message greeting",
        "calloff admin message put greeting {document} --app {application_id}",
    ),
    _change(
        "publish a message",
        "deployment {deployment_id}",
        "calloff admin message publish reminder {deployment_id}",
    ),
    _change(
        "roll a message back",
        "deployment {deployment_id}",
        "calloff admin message rollback {deployment_id}",
    ),
    _change(
        "delete a deployment",
        "deployment {deployment_id}",
        "POST /console/apps/{application_id}/{deployment_id}/delete",
        "calloff admin deployment delete {deployment_id}",
    ),
    _change(
        "make a callback key",
        "deployment {deployment_id}",
        "calloff admin deployment rotate-callback-key {deployment_id}",
    ),
    _change("send callbacks again", "deployment {deployment_id}", "calloff admin callback redeliver {deployment_id}"),
    _change(
        "add a trunk",
        "trunk {new_trunk}",
        "POST /console/trunks/new/{kind}",
        "calloff admin trunk add carrier --kind simulated",
    ),
    _change(
        "change a trunk",
        "trunk {trunk_id}",
        "POST /console/trunks/{trunk_id}",
        "calloff admin trunk set {trunk_id} --max-concurrent-calls 5",
    ),
    _change("make a test call", "trunk {trunk_id}, call {new_call}", "POST /console/trunks/{trunk_id}/test"),
    # Outside any queue: there is no call to name.
    _change("make a test call", "trunk {trunk_id}", "calloff admin trunk test simulated 6175551234"),
    _change(
        "pause",
        "deployment {deployment_id}",
        "POST /console/apps/{application_id}/{deployment_id}/pause",
        "POST /api/apps/{application_id}/{deployment_id}/pause",
        "calloff admin deployment pause {deployment_id}",
    ),
    _change(
        "resume",
        "deployment {deployment_id}",
        "POST /console/apps/{application_id}/{deployment_id}/resume",
        "POST /api/apps/{application_id}/{deployment_id}/resume",
        "calloff admin deployment resume {deployment_id}",
    ),
    _change(
        "call everything off",
        "deployment {deployment_id}",
        "POST /console/apps/{application_id}/{deployment_id}/cancel",
        "DELETE /api/apps/{application_id}/{deployment_id}/cancel",
        "calloff cancel --app {application_id} --deployment {deployment_id} --yes",
    ),
    _change(
        "call off one call",
        "call {call_id}",
        "POST /console/apps/{application_id}/{deployment_id}/calls/{call_id}/cancel",
        "DELETE /api/outbound/{call_id}",
        "calloff cancel {call_id}",
    ),
    _change(
        "pause a list",
        "list {list_id}",
        "POST /console/apps/{application_id}/{deployment_id}/lists/{list_id}/pause",
        "POST /api/lists/{list_id}/pause",
        "calloff list pause {list_id}",
    ),
    _change(
        "resume a list",
        "list {list_id}",
        "POST /console/apps/{application_id}/{deployment_id}/lists/{list_id}/resume",
        "POST /api/lists/{list_id}/resume",
        "calloff list resume {list_id}",
    ),
    _change(
        "call a list off",
        "list {list_id}",
        "POST /console/apps/{application_id}/{deployment_id}/lists/{list_id}/cancel",
        "DELETE /api/lists/{list_id}",
        "calloff cancel --list {list_id} --yes",
    ),
    _change(
        "queue a list of 2 calls",
        "deployment {deployment_id}",
        "POST /console/apps/{application_id}/{deployment_id}/upload",
        "POST /api/apps/{application_id}/{deployment_id}/bulk_queue",
        "calloff bulk {list} --app {application_id} --deployment {deployment_id}",
    ),
)
NOT_RECORDED = {
    "POST /console/sign-in": _SESSION,
    "POST /console/sign-out": _SESSION,
    "POST /console/apps/{application_id}/{deployment_id}/upload/preview": _LOOKS,
    "POST /console/apps/{application_id}/{deployment_id}/queue": _OWN_RECORD,
    "POST /api/apps/{application_id}/{deployment_id}/queue": _OWN_RECORD,
    "POST /api/do_not_call/find": _LOOKS,
    "calloff call": _OWN_RECORD,
    "calloff status": _LOOKS,
    "calloff watch": _LOOKS,
    "calloff trace": _LOOKS,
    "calloff export": _LOOKS,
    **{f"calloff list {looks}": _LOOKS for looks in ("all", "show", "results")},
    "calloff verify": _LOOKS,
    "calloff config": _LOOKS,
    **{
        f"calloff admin {kind} list": _LOOKS
        for kind in ("account", "user", "key", "app", "deployment", "message", "trunk", "callback")
    },
    **{f"calloff admin message {looks}": _LOOKS for looks in ("versions", "show", "compare")},
    "calloff admin do-not-call find": _LOOKS,
    "calloff admin deployment callback-key": f"{_LOOKS}; a key is made whenever it is first needed",
    "calloff serve": f"{_PROCESS}; what it makes in an empty database is the beginning, before any change",
    "calloff api": _PROCESS,
    "calloff dialer": _PROCESS,
    "calloff webhooks": _PROCESS,
}
"""Operations that leave no entry, each with the reason why."""


def changes_by(*beginnings: str) -> dict[str, Change]:
    """Every operation that is written down and begins so, with the change that it makes."""
    return {
        operation: change for change in CHANGES for operation in change.operations if operation.startswith(beginnings)
    }


def not_recorded_by(*beginnings: str) -> set[str]:
    """Every operation that begins so and is left out on purpose."""
    return {operation for operation in NOT_RECORDED if operation.startswith(beginnings)}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the audit log, without its time."""

    account_id: int | None
    user_id: int | None
    origin: str
    action: str
    subject: str


async def record(
    pool: Pool, action: str, subject: str, *, account_id: int | None, user_id: int | None, origin: str
) -> None:
    """Write an entry that nothing has caused."""
    async with pool.connection() as connection:
        await write_entry(connection, domain_entries.Entry(account_id, user_id, origin, action, subject))


async def entries(pool: Pool) -> list[Entry]:
    """All that was written down, in that order; of cancellations, those that are no part of a deletion."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(_ENTRIES)
        return await cursor.fetchall()


async def newest(pool: Pool) -> dict[str, int]:
    """The IDs of what was made last, as `new_account` and so on."""
    async with pool.connection() as connection:
        row = await (await connection.execute(_NEWEST)).fetchone()
    assert row is not None
    return row
