-- The E.164 digits of a call's number: those that were understood when it was queued, or, for calls from before numbers
-- were understood, those that its spelling has in North America, where all of them were read.
CREATE OR REPLACE FUNCTION number_of(p_number bigint, p_phone_number text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(p_number, CASE WHEN p_phone_number ~ '^[2-9][0-9]{9}$' THEN ('1' || p_phone_number)::bigint
                               ELSE ltrim(p_phone_number, '+')::bigint END)
$$;
