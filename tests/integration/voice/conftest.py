"""A deployment whose calls are claimed."""

import pytest

from calloff.db.pool import Pool
from tests.integration.calls.lab import Lab


@pytest.fixture
async def lab(database_url: str, pool: Pool) -> Lab:
    """One deployment without limits, and one dialer with a lease."""
    return await Lab.open(database_url, pool)
