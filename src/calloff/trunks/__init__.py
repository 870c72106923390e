"""Trunks: how a call leaves this machine. `base` is what every trunk offers, the other modules are the kinds."""
