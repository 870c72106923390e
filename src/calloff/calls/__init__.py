"""The only code that moves a call from state to state.

The story of a call reads `submit`, `claim`, `start`, `settle`; the story of a cancel is `cancel`. `expire` and `rescue`
are what time and crashes do, and `idempotency` keeps one request from becoming two calls.
"""
