"""Calloff under faults: real processes, a far end with a log of the wire, and a checker of what was promised.

`make faults` runs it for as long as one likes (`SECONDS=`, `SEED=`); the suite runs it for a short while. `world`
brings everything up, `load` queues and calls off, `breakage` breaks, `history` is what was seen, `checker` judges it.
"""
