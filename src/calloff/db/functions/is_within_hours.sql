-- Whether the account may ring people at that moment in each of these zones.
CREATE OR REPLACE FUNCTION is_within_hours(p_account account, p_zones text[], p_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT coalesce(bool_and((p_at AT TIME ZONE zone)::time >= p_account.hours_from
                         AND (p_at AT TIME ZONE zone)::time < p_account.hours_until
                         AND extract(isodow FROM p_at AT TIME ZONE zone) = ANY (p_account.hours_days)), false)
FROM unnest(p_zones) AS t (zone)
$$;
