"""Everything that can be changed or asked for: one function each, for the API, the console and the command line.

An operation is given the *access* that somebody has to the place where they want something (`access.py`), checks that
it permits this, and does it. What it changes is committed together with its entry in the audit log (`operation.py`), or
not at all. A door finds out who is asking, reads what they send, and shows what comes of it; it decides nothing.
"""
