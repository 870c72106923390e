"""The ASGI application of the API."""

from fastapi import FastAPI

from calloff.api.errors import install_error_handlers
from calloff.api.routes import calls, cancel, health
from calloff.db.pool import Pool


def create_app(pool: Pool) -> FastAPI:
    """The application on an open pool, which stays the caller's to close."""
    app = FastAPI(title="Calloff", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.pool = pool
    for routes in (cancel, calls, health):
        app.include_router(routes.router)
    install_error_handlers(app)
    return app
