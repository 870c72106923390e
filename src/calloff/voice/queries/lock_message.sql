-- The message of that name, made if it is new, and locked, so that its versions are counted one after the other.
INSERT INTO message (application_id, name) VALUES (%(application_id)s, %(name)s)
ON CONFLICT (application_id, name) DO UPDATE SET name = excluded.name
RETURNING id, versions
