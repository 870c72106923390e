-- Calls that are over are counted together, so that the rows do not grow with the number of cancels; those of a list apart,
-- until it has ended.
CREATE OR REPLACE FUNCTION counted_epoch(p_epoch bigint, p_ended_at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN p_ended_at IS NULL OR p_epoch >= base_list_epoch() THEN p_epoch ELSE -1 END;
