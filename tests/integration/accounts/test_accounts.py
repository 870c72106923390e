"""Accounts and all below them, as the operator's command line and the console change them."""

import asyncio
from pathlib import Path

import pytest

from calloff.accounts.access import Permission, authenticate
from calloff.accounts.accounts import add_account, list_accounts
from calloff.accounts.applications import add_application, list_applications
from calloff.accounts.bootstrap import bootstrap, is_empty
from calloff.accounts.deployments import add_deployment, delete_deployment, list_deployments, set_deployment
from calloff.accounts.keys import add_key, list_keys, make_key, revoke_key
from calloff.accounts.permissions import list_shares, share_application
from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import add_trunk, find_trunk, list_trunks, set_trunk
from calloff.accounts.users import add_user, deactivate_user, find_user, list_users, reactivate_user, set_role
from calloff.calls.claim import claim, due_queues
from calloff.calls.start import Refusal, Refused, start
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.errors import (
    Conflict,
    Deleted,
    InvalidInput,
    NotAuthenticated,
    NotConfigured,
    NotFound,
)
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from calloff.operations.access import OPERATOR, Actor, Door, to_account, to_application, to_deployment
from calloff.operations.accounts import deactivate_account
from calloff.operations.applications import delete_application
from calloff.reports.read import find_call
from calloff.upkeep.dialers import register
from tests.support.seed import seed


async def test_an_email_address_is_one_users_in_every_case_and_account(pool: Pool) -> None:
    first, second = await add_account(pool, " First "), await add_account(pool, "Second")
    assert [account.name for account in await list_accounts(pool)] == ["First", "Second"]
    user = await add_user(pool, first.id, "Ann@example.org")
    with pytest.raises(Conflict):
        await add_user(pool, second.id, "ANN@example.org")
    assert await find_user(pool, "ann@EXAMPLE.org") == user == await find_user(pool, str(user.id))
    assert await list_users(pool, account_id=second.id) == []
    for email in ("", "ann", "a b@example.org", "a:b@example.org", "a@b\x00.org"):
        with pytest.raises(InvalidInput):
            await add_user(pool, first.id, email)
    with pytest.raises(NotFound):
        await add_user(pool, 10**30, "other@example.org")
    with pytest.raises(InvalidInput):
        await add_account(pool, "  ")


async def test_a_key_opens_until_it_or_its_user_is_shut_out(pool: Pool) -> None:
    account = await add_account(pool, "Keys")
    user = await add_user(pool, account.id, "keys@example.org")
    old, new = await add_key(pool, user.id), await add_key(pool, user.id)
    assert len(new.developer_key) == 43
    assert new.developer_key not in repr(new)
    assert (await authenticate(pool, "KEYS@example.org", old.developer_key)).user_id == user.id
    await revoke_key(pool, old.id)
    with pytest.raises(NotAuthenticated):
        await authenticate(pool, user.email, old.developer_key)
    await authenticate(pool, user.email, new.developer_key)
    assert [key.revoked_at is None for key in await list_keys(pool, user.id)] == [False, True]
    await deactivate_user(pool, user.id)
    with pytest.raises(NotAuthenticated):
        await authenticate(pool, user.email, new.developer_key)
    with pytest.raises(NotFound):
        await add_key(pool, user.id)
    await reactivate_user(pool, user.id)
    await authenticate(pool, user.email, new.developer_key)
    with pytest.raises(NotAuthenticated):
        await authenticate(pool, user.email, old.developer_key)
    with pytest.raises(NotFound):
        await revoke_key(pool, 999)


async def test_a_share_permits_exactly_what_it_names(pool: Pool) -> None:
    seeded = await seed(pool)
    other = await add_user(pool, seeded.account_id, "other@example.org")
    key = await add_key(pool, other.id)
    signed_in = await authenticate(pool, other.email, key.developer_key)

    async def permitted() -> set[Permission]:
        access = await to_deployment(pool, Actor(signed_in, Door.API), seeded.deployment_id)
        return {permission for permission in Permission if permission in access.may}

    assert await permitted() == set()
    for wanted in ({Permission.VIEW, Permission.CANCEL}, set(Permission), {Permission.QUEUE}, set()):
        await share_application(pool, seeded.application_id, other.id, wanted)
        assert await permitted() == wanted
        shares = await list_shares(pool, seeded.application_id)
        assert [share.user_id for share in shares] == ([other.id] if wanted else [])
    stranger = await seed(pool)
    with pytest.raises(NotFound):
        await share_application(pool, seeded.application_id, stranger.user_id, {Permission.VIEW})


async def test_a_role_opens_every_application_of_the_account_until_it_is_taken_back(pool: Pool) -> None:
    seeded = await seed(pool)
    user = await add_user(pool, seeded.account_id, "other@example.org")
    key = await add_key(pool, user.id)
    for is_administrator in (True, False):
        assert (await set_role(pool, user.id, is_administrator=is_administrator)).is_administrator == is_administrator
        signed_in = await authenticate(pool, user.email, key.developer_key)
        access = await to_deployment(pool, Actor(signed_in, Door.API), seeded.deployment_id)
        assert (Permission.CANCEL in access.may) == is_administrator
    with pytest.raises(NotFound):
        await set_role(pool, 999_999, is_administrator=True)


async def test_settings_of_a_deployment_change_one_by_one(pool: Pool) -> None:
    seeded = await seed(pool)
    made = await add_deployment(
        pool, seeded.application_id, "night", seeded.trunk_id, {"max_concurrent_calls": 3, "caller_id": "800-995-7586"}
    )
    assert (made.max_concurrent_calls, made.caller_id, made.ring_timeout) == (3, "8009957586", 60)
    changed = await set_deployment(pool, made.id, {"calls_per_second": 0.5, "max_concurrent_calls": None})
    assert (changed.max_concurrent_calls, changed.calls_per_second, changed.caller_id) == (None, 0.5, "8009957586")
    for wrong in ({"ring_timeout": 0}, {"calls_per_second": -1}, {"caller_id": "call me"}, {"name": ""}):
        with pytest.raises(InvalidInput):
            await set_deployment(pool, made.id, wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await set_deployment(pool, made.id, {"trunk_id": 999})
    await delete_deployment(pool, made.id, user_id=None, origin="test")
    with pytest.raises(Deleted):
        await delete_deployment(pool, made.id, user_id=None, origin="test")
    with pytest.raises(NotFound):
        await set_deployment(pool, made.id, {"name": "day"})


async def test_deleting_an_application_calls_off_what_is_pending(pool: Pool) -> None:
    seeded = await seed(pool)
    second = await add_deployment(pool, seeded.application_id, "second", seeded.trunk_id)
    waiting = [await _queue(pool, deployment_id) for deployment_id in (seeded.deployment_id, second.id)]
    await delete_application(pool, await to_application(pool, OPERATOR, seeded.application_id))
    for call_id in waiting:
        call = await find_call(pool, call_id)
        assert call is not None
        assert call.status == "canceled"
    assert all(d.deleted_at for d in await list_deployments(pool, application_id=seeded.application_id))
    assert [a.deleted_at is None for a in await list_applications(pool, account_id=seeded.account_id)] == [False]
    with pytest.raises(Deleted):
        await delete_application(pool, await to_application(pool, OPERATOR, seeded.application_id))
    with pytest.raises(Deleted):
        await _queue(pool, second.id)
    with pytest.raises(NotFound):
        await add_deployment(pool, seeded.application_id, "third", seeded.trunk_id)


async def test_a_deactivated_account_starts_nothing_more(pool: Pool) -> None:
    seeded = await seed(pool)
    await _queue(pool, seeded.deployment_id)
    await _queue(pool, seeded.deployment_id)
    dialer_id = await register(pool, name="test", ports=1)
    [claimed], _ = await claim(pool, seeded.deployment_id, dialer_id=dialer_id, limit=1)
    await deactivate_account(pool, await to_account(pool, OPERATOR, seeded.account_id))
    assert await start(pool, seeded.deployment_id, [claimed]) == {claimed.claim.call_id: Refused(Refusal.PAUSED)}
    assert await claim(pool, seeded.deployment_id, dialer_id=dialer_id, limit=1) == ([], None)
    assert await due_queues(pool) == []
    with pytest.raises(NotAuthenticated):
        await authenticate(pool, seeded.email, seeded.developer_key)
    with pytest.raises(NotFound):
        await add_application(pool, seeded.user_id, "too late")
    with pytest.raises(NotFound):
        await add_deployment(pool, seeded.application_id, "too late", seeded.trunk_id)
    with pytest.raises(NotFound):
        await to_account(pool, OPERATOR, 999)


async def test_trunks_are_set_without_losing_the_rest(pool: Pool) -> None:
    trunk = await add_trunk(pool, "carrier", "sip", {"settings": {"uri": "sip:127.0.0.1"}, "calls_per_second": 5})
    assert trunk.settings == {"uri": "sip:127.0.0.1"}
    changed = await set_trunk(pool, trunk.id, {"max_concurrent_calls": 10})
    assert (changed.max_concurrent_calls, changed.calls_per_second, changed.settings) == (10, 5, trunk.settings)
    assert await list_trunks(pool) == [changed] == [await find_trunk(pool, trunk.id)]
    with pytest.raises(Conflict):
        await add_trunk(pool, "carrier", "simulated")
    with pytest.raises(InvalidInput):
        await set_trunk(pool, trunk.id, {"calls_per_second": 0})
    with pytest.raises(NotFound):
        await find_trunk(pool, 999)


async def test_an_empty_database_is_filled_once_however_many_try(pool: Pool) -> None:
    assert await is_empty(pool)
    keys = [make_key() for _ in range(4)]
    made = await asyncio.gather(*(bootstrap(pool, "admin@example.org", key) for key in keys))
    [(key, first)] = [(key, each) for key, each in zip(keys, made, strict=True) if each]
    assert (first.account_id, first.application_id, first.deployment_id) == (1, 1, 1)
    user = await authenticate(pool, "admin@example.org", key)
    assert Permission.CANCEL in (await to_deployment(pool, Actor(user, Door.API), 1, application_id=1)).may
    await _queue(pool, first.deployment_id)
    assert not await is_empty(pool)


def test_a_secret_is_kept_under_a_key_of_the_data_directory(tmp_path: Path) -> None:
    box = SecretBox.open(tmp_path, None)
    token = box.encrypt("s3cret")
    assert "s3cret" not in token
    assert SecretBox.open(tmp_path, None).decrypt(token) == "s3cret"
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotConfigured):
        SecretBox.open(tmp_path / "other", None).decrypt(token)
    with pytest.raises(NotConfigured):
        SecretBox("too short")


async def _queue(pool: Pool, deployment_id: int) -> int:
    return await submit(pool, deployment_id, NewCall(parse_destination("6175551234"), Schedule()))
