CREATE OR REPLACE FUNCTION counted_epoch(p_epoch bigint, p_ended_at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN p_ended_at IS NULL THEN p_epoch ELSE -1 END;
