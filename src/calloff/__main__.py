"""`python -m calloff` is `calloff`."""

from calloff.cli import app

app()
