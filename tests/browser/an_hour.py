"""An hour of a deployment's life, so that every page has something to show."""

from calloff.accounts.access import Permission
from calloff.accounts.permissions import share_application
from calloff.accounts.trunks import add_trunk
from calloff.accounts.users import add_user
from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from calloff.upkeep.settler import settle_canceled
from tests.support.changes import record
from tests.support.site import LATER, Site

_NAMES = """
WITH named AS (UPDATE application SET name = 'Appointment reminders' WHERE id = %(application_id)s)
UPDATE deployment SET name = 'Morning round', caller_id = '+18005550199' WHERE id = %(deployment_id)s
"""
_CALLS = """
INSERT INTO call (deployment_id, epoch, state, phone_number, queued_at, start_at, due_at, attempts, connected_at,
                  ended_at, result, sip_code, callee_type, token, dialer_id, claimed_at, events)
SELECT %(deployment_id)s, 1, s.state, '+1617555' || lpad((1000 + n * 7 %% 9000)::text, 4, '0'), s.at, s.at, s.at, 1,
       CASE WHEN s.state IN ('completed', 'connected') THEN s.at + interval '2 s' END,
       CASE WHEN s.state IN ('completed', 'failed') THEN s.at + interval '9 s' END, s.result, s.sip_code,
       CASE WHEN s.state = 'completed' THEN 'voice' END,
       CASE WHEN s.state IN ('connected', 'dialing') THEN gen_random_uuid() END,
       CASE WHEN s.state IN ('connected', 'dialing') THEN 1 END,
       CASE WHEN s.state IN ('connected', 'dialing') THEN s.at END,
       jsonb_build_array(event('dialing', s.at + interval '1 s'))
FROM generate_series(1, 900) AS n CROSS JOIN LATERAL (
    SELECT CASE WHEN n > 892 THEN 'dialing' WHEN n > 875 THEN 'connected'
                WHEN n %% 7 = 0 OR n %% 5 = 0 THEN 'failed' ELSE 'completed' END AS state,
           CASE WHEN n > 875 THEN NULL WHEN n %% 35 = 0 THEN 'carrier_error' WHEN n %% 7 = 0 THEN 'busy'
                WHEN n %% 5 = 0 THEN 'no_answer' ELSE 'answered' END AS result,
           CASE WHEN n %% 35 = 0 THEN 503 WHEN n %% 7 = 0 THEN 486 WHEN n %% 5 = 0 THEN 480 ELSE 200 END AS sip_code,
           now() - interval '55 minutes' * (1 - sqrt(n / 900.0)) - interval '1 minute' AS at
) AS s
"""
_TALLY = """
INSERT INTO ended_calls (deployment_id, minute_of_hour, result, slot, minute, calls)
SELECT deployment_id, extract(minute FROM date_trunc('minute', ended_at)), result, 0, date_trunc('minute', ended_at),
       count(*)
FROM call WHERE result IS NOT NULL AND deployment_id = %(deployment_id)s GROUP BY deployment_id, 5, result
ON CONFLICT (deployment_id, minute_of_hour, result, slot) DO UPDATE SET calls = excluded.calls
"""
_ONE_CALL = """
UPDATE call
SET state = 'completed', attempts = 2, queued_at = now() - interval '331 s', start_at = now() - interval '331 s',
    connected_at = now() - interval '20 s', ended_at = now() - interval '3 s',
    result = 'answered', sip_code = 200, callee_type = 'voice',
    events = jsonb_build_array(
        event('dialing', now() - interval '330 s'),
        event('failed', now() - interval '325 s', '{"result": "busy", "sip_code": 486}'),
        event('dialing', now() - interval '24 s'), event('connected', now() - interval '20 s'),
        event('disconnected', now() - interval '3 s', '{"result": "answered"}'))
WHERE id = %(call_id)s
"""
_ITS_CALLBACK = """
UPDATE callback
SET attempts = 2, failures = 1, delivered_at = now(),
    deliveries = jsonb_build_array(event('failed', now() - interval '5 s', '{"status": 503, "error": "answered 503"}'),
                                   event('delivered', now(), '{"status": 200}'))
WHERE call_id = %(call_id)s
"""


async def fill(site: Site) -> int:
    """Let it have happened; returns a call with a long story."""
    pool, seed = site.pool, site.seed
    places = {"application_id": seed.application_id, "deployment_id": seed.deployment_id}
    async with pool.connection() as connection:
        await connection.execute(_NAMES, places)
    await site.queue(1200)
    await cancel_pending(pool, seed.deployment_id, user_id=seed.user_id, origin="console 192.0.2.17")
    await settle_canceled(pool)
    story = await submit(
        pool,
        seed.deployment_id,
        NewCall(
            parse_destination("+16175550142"),
            Schedule(max_attempts=3, reattempt_wait=300),
            result_url="https://reports.example.org/calls",
            variables={"first name": "Anna", "appointment": "Tuesday, 9:30"},
        ),
    )
    async with pool.connection() as connection:
        # In one transaction, so that nobody tries to deliver it.
        async with connection.transaction():
            await connection.execute(_ONE_CALL, {"call_id": story})
            await connection.execute(_ITS_CALLBACK, {"call_id": story})
        await connection.execute(_CALLS, places)
        await connection.execute(_TALLY, places)
    for number in range(300):
        schedule = LATER if number % 2 else Schedule(max_attempts=3, reattempt_wait=300)
        call = NewCall(parse_destination(f"+1617555{4000 + number}"), schedule, is_pci=number % 9 == 0)
        await submit(pool, seed.deployment_id, call)
    await add_trunk(pool, "carrier", "sip")
    colleague = await add_user(pool, seed.account_id, "desk@example.org")
    await share_application(pool, seed.application_id, colleague.id, {Permission.VIEW, Permission.CANCEL})
    for action, subject in (
        ("create a deployment", "deployment 1"),
        ("pause", "deployment 1"),
        ("resume", "deployment 1"),
        ("call everything off", "deployment 1"),
    ):
        await record(
            pool, action, subject, account_id=seed.account_id, user_id=seed.user_id, origin="console 192.0.2.17"
        )
    return story
