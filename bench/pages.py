"""The console's pages with a million calls in one deployment, beside a request that does nothing."""

from statistics import median

from bench.report import Figure, milliseconds, percentile
from bench.stage import Client, Stage, stage
from calloff.accounts.access import User
from calloff.accounts.sessions import begin_session
from calloff.calls.cancel import cancel_pending
from calloff.console.visitor import COOKIE
from calloff.db.embedded import EmbeddedServer
from calloff.db.pool import open_connection

_CALLS = 1_000_000
_ROUNDS = 30
_PAGES = {
    "Outbound": "",
    "calls": "/calls",
    "calls, canceled": "/calls?status=canceled",
    "calls, an old page": "/calls?before=200000",
    "calls to one number": "/calls?number=6170000777",
    "one call": "/calls/777",
    "Call everything off": "/cancel",
    "history of cancellations": "/cancellations",
}
_END = "UPDATE call SET state = 'failed', result = 'busy', ended_at = now() WHERE id % 4 = 0"


async def measure_pages(running: EmbeddedServer) -> list[Figure]:
    """Each page with half of the calls called off and not settled, a part over, and the rest waiting."""
    figures = []
    async with stage(running) as staged:
        await _fill(staged)
        cookie = await _cookie(staged)
        nothing = staged.request("POST", f"{staged.path}/nothing")
        async with Client(staged.port) as client:
            floor = median([await client.ask(nothing) for _ in range(_ROUNDS)])
            for name, path in _PAGES.items():
                url = f"/console{staged.path.removeprefix('/api')}{path}"
                request = f"GET {url} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode()
                took = [await client.ask(request) for _ in range(_ROUNDS + 3)][3:]
                figures.append(
                    Figure(
                        f"page of the console with {_CALLS:,} calls: {name}",
                        f"{milliseconds(median(took))}, p99 {milliseconds(percentile(took, 0.99))}",
                        f"request that does nothing {milliseconds(floor)}",
                        median(took) / floor,
                        "under 100 ms",
                        median(took) < 0.1,
                    )
                )
    return figures


async def _fill(staged: Stage) -> None:
    await staged.fill(_CALLS // 2)
    async with await open_connection(staged.url) as connection:
        await connection.execute(_END)
    await cancel_pending(staged.pool, staged.seed.deployment_id, user_id=staged.seed.user_id, origin="bench")
    await staged.fill(_CALLS // 2)


async def _cookie(staged: Stage) -> str:
    seed = staged.seed
    user = User(seed.user_id, seed.account_id, seed.email, True)
    session = await begin_session(staged.pool, user, must_change_password=False)
    return f"{COOKIE}={session.token}"
