-- The first moment from p_now on at which the account's hours allow to ring in all of these zones at once: p_now where no
-- hours are set, NULL where there is none within eight days, or where nobody knows on whose clock the number lies.
CREATE OR REPLACE FUNCTION next_permitted(p_account account, p_zones text[], p_now timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_account.hours_from IS NULL OR is_within_hours(p_account, p_zones, p_now) THEN
        RETURN p_now;
    END IF;
    -- A moment before which it was not allowed is the beginning of the hours in one of the zones, or of one of their days.
    RETURN (
        SELECT min(opens.at)
        FROM unnest(p_zones) AS t (zone)
        CROSS JOIN generate_series(0, 8) AS day
        CROSS JOIN LATERAL (
            SELECT ((p_now AT TIME ZONE zone)::date + day + p_account.hours_from) AT TIME ZONE zone AS at) AS opens
        WHERE opens.at > p_now AND is_within_hours(p_account, p_zones, opens.at));
END $$;
