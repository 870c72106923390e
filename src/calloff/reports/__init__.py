"""What has become of calls, for those who ask: one call, pages of them, and exports. It only looks."""
