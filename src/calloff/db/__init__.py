<<<<<<< HEAD
"""The database: its server, its schema and the way to it."""
=======
"""The database: the embedded server, the connection pool, the migrations, and how a statement is loaded."""
>>>>>>> b5efd61 (Bring a PostgreSQL that needs no installation, as a child of ours on a directory of ours)
