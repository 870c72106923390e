"""The sound of all calls of a dialer process: one RTP engine in a process of its own, and its client."""
