"""The ASGI application of the API."""

from collections.abc import Collection

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from calloff.accounts.throttle import Throttle
from calloff.api.errors import install_error_handlers
from calloff.api.forgiving import Forgiving
from calloff.api.request_times import RequestTimes
from calloff.api.routes import bulk, calls, cancel, do_not_call, documentation, health, lists, metrics, trace
from calloff.db.pool import Pool
from calloff.lists.upload_slots import UploadSlots


def create_app(
    pool: Pool,
    conninfo: str,
    throttle: Throttle | None = None,
    uploads: UploadSlots | None = None,
    metrics_token: str | None = None,
    origins: Collection[str] = (),
) -> FastAPI:
    """The application on an open pool to the database at `conninfo`; the pool stays the caller's to close.

    `throttle`, which slows guessing, and the places for `uploads` may be shared with the console. `metrics_token` lets
    other machines than this read `/metrics`. Pages of `origins` may ask from a browser (CORS).
    """
    app = FastAPI(title="Calloff", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.pool = pool
    app.state.conninfo = conninfo
    app.state.uploads = uploads or UploadSlots()
    app.state.registry = CollectorRegistry()
    app.state.metrics_token = metrics_token
    app.state.throttle = throttle or Throttle()
    for routes in (cancel, calls, trace, bulk, lists, do_not_call, documentation, health, metrics):
        app.include_router(routes.router)
    install_error_handlers(app)
    app.add_middleware(RequestTimes, registry=app.state.registry)
    app.add_middleware(Forgiving, origins=origins)
    return app
