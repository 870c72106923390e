-- Returns the application as it was before.
WITH before AS (
    SELECT id, account_id, owner_user_id, name, created_at, deleted_at
    FROM application WHERE id = %(application_id)s FOR UPDATE
), deleted AS (
    UPDATE application AS a SET deleted_at = now() FROM before WHERE a.id = before.id AND a.deleted_at IS NULL
)
SELECT id, account_id, owner_user_id, name, created_at, deleted_at FROM before
