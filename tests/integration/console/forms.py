"""A valid form for every POST of the console: what a page would send."""

import httpx

from calloff.accounts.access import User
from calloff.accounts.keys import add_key
from calloff.accounts.users import add_user
from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from tests.integration.console.conftest import ORIGIN, Visit, owner_of
from tests.support.seed import Seed
from tests.support.site import PASSWORD
from tests.support.uploading import queue_small_list

_A = "/console/apps/{application_id}"
_D = "/console/apps/{application_id}/{deployment_id}"
FORMS: dict[str, dict[str, str]] = {
    "/console/sign-in": {"email": "{visitor_email}", "password": PASSWORD},
    "/console/sign-out": {},
    "/console/password": {"current": PASSWORD, "password": "another battery staple", "again": "another battery staple"},
    "/console/keys": {},
    "/console/keys/{key_id}/revoke": {},
    "/console/users": {"email": "anna@example.org"},
    "/console/users/{user_id}/password": {},
    "/console/users/{user_id}/role": {"is_administrator": "1"},
    "/console/users/{user_id}/deactivate": {},
    "/console/users/{user_id}/reactivate": {},
    "/console/trunks/new/{kind}": {"name": "carrier", "uri": "sip:carrier.example"},
    "/console/trunks/{trunk_id}": {"name": "simulated", "speed": "2"},
    "/console/trunks/{trunk_id}/test": {"deployment": "{deployment_id}", "phone_number": "+16175551234"},
    "/console/limits/{account_id}": {"max_concurrent_calls": "5", "calls_per_second": "0.5"},
    "/console/limits/{account_id}/pause": {},
    "/console/limits/{account_id}/deactivate": {},
    "/console/limits/{account_id}/reactivate": {},
    "/console/apps": {"name": "surveys"},
    _A + "/rename": {"name": "appointments"},
    _A + "/deployments": {"name": "night", "trunk_id": "{trunk_id}"},
    _A + "/share": {"email": "{user_email}", "view": "1", "cancel": "1"},
    _A + "/delete": {},
    _D + "/queue": {"phone_number": "+16175551234"},
    _D + "/pause": {},
    _D + "/lists/{list_id}/pause": {},
    _D + "/lists/{list_id}/resume": {},
    _D + "/lists/{list_id}/cancel": {},
    _D + "/resume": {},
    _D + "/calls/{call_id}/cancel": {},
    _D + "/cancel": {},
    _D + "/settings": {"name": "day", "trunk_id": "{trunk_id}", "on_unknown": "retry", "callback_format": "form"},
    _D + "/delete": {},
}
_LISTS = (_D + "/upload", _D + "/upload/preview")
_LIST = "max_attempts=1\ndestination\n+16175551234\n+16175551235\n"
"""The rest of the form, and then the list of two calls."""


async def fill(pool: Pool, seeded: Seed, visitor: User | None = None) -> dict[str, str]:
    """What addresses and forms name of the seeded account, made where it is missing.

    That is a receipt, a call that waits, a key of the visitor's (of the owner's, if none is given), and a user who has
    nothing.
    """
    visitor = visitor or owner_of(seeded)
    await cancel_pending(pool, seeded.deployment_id, user_id=None, origin="test")
    call_id = await submit(pool, seeded.deployment_id, NewCall(parse_destination("+16175551234")))
    user = await add_user(pool, seeded.account_id, f"target-{seeded.account_id}@example.com")
    return {
        "application_id": str(seeded.application_id),
        "deployment_id": str(seeded.deployment_id),
        "call_id": str(call_id),
        "list_id": str(await queue_small_list(pool, seeded.deployment_id)),
        "epoch": "1",
        "form": "csv",
        "kind": "sip",
        "account_id": str(seeded.account_id),
        "user_id": str(user.id),
        "user_email": user.email,
        "trunk_id": str(seeded.trunk_id),
        "key_id": str((await add_key(pool, visitor.user_id)).id),
        "visitor_id": str(visitor.user_id),
        "visitor_email": visitor.email,
    }


async def open_or_send(browser: Visit, path: str, method: str, places: dict[str, str]) -> httpx.Response:
    """Open the page of that path, or send its valid form, about these `places`."""
    address = path.format(**places)
    if method == "GET":
        return await browser.get(address)
    if path in _LISTS:
        headers = {"origin": ORIGIN, "x-form-token": browser.session.form_token}
        return await browser.client.post(address, content=_LIST, headers=headers)
    return await browser.post(address, **{name: value.format(**places) for name, value in FORMS[path].items()})
