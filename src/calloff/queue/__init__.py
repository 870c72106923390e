"""The queue: the only code that moves a call from state to state.

The story of a call reads `submit`, `claim`, `start`, `settle`; the story of a cancel `cancel`, `settler`. `expire` and
`rescue` are what time and crashes do, `housekeeping` runs them, `dialers` keeps the leases, and `read` only looks.
"""
