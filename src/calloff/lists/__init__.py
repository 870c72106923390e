"""A list of calls, from its file to its rows in the queue: read, checked, staged, and queued in one transaction."""
