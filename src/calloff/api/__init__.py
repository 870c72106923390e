"""The HTTP API, wire-compatible with Plum Voice Fuse's Outbound Calls; that dialect stays in this package."""
