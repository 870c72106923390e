-- A claim alone changes no count: what is claimed is shown as queued.
CREATE OR REPLACE FUNCTION counted_state(p_state text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN p_state = 'claimed' THEN 'queued' ELSE p_state END;
