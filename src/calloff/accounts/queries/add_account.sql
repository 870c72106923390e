INSERT INTO account (name) VALUES (%(name)s) RETURNING id, name, created_at, deactivated_at
