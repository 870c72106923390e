WITH current AS (
    UPDATE deployment SET document_version = coalesce(document_version, 0) + 1
    WHERE id = %(deployment_id)s AND deleted_at IS NULL
    RETURNING id, document_version
)
INSERT INTO application_document (deployment_id, version, vxml)
SELECT id, document_version, %(vxml)s FROM current
RETURNING version
