"""The wall: what may be dialed. The rules are kept here, and `start_calls` asks them at the start of each attempt."""
