CREATE OR REPLACE FUNCTION queue_lock_key(p_deployment_id bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashint8extended(p_deployment_id, 5433);
