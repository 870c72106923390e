"""The ASGI application of the API."""

from fastapi import FastAPI

from calloff.accounts.throttle import Throttle
from calloff.api.errors import install_error_handlers
from calloff.api.routes import bulk, calls, cancel, documentation, health
from calloff.api.uploads import UploadSlots
from calloff.db.pool import Pool


def create_app(pool: Pool, conninfo: str, throttle: Throttle | None = None) -> FastAPI:
    """The application on an open pool to the database at `conninfo`; the pool stays the caller's to close.

    `throttle`, which slows guessing, may be shared with the console.
    """
    app = FastAPI(title="Calloff", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.pool = pool
    app.state.conninfo = conninfo
    app.state.upload_slots = UploadSlots()
    app.state.throttle = throttle or Throttle()
    for routes in (cancel, calls, bulk, documentation, health):
        app.include_router(routes.router)
    install_error_handlers(app)
    return app
