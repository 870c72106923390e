"""The database: its server, its schema and the way to it."""
