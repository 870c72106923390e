-- The name of the rule that forbids to dial a number now; NULL if none does. Reads with the snapshot of its caller's
-- statement, which has to begin after the rules' locks are held.
CREATE OR REPLACE FUNCTION forbidding_rule(
        p_account account, p_application_id bigint, p_trunk_kind text, p_number bigint, p_country text, p_kind text,
        p_now timestamptz)
    RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM do_not_call AS d
               WHERE d.account_id IN (0, p_account.id) AND d.number = p_number
                 AND d.application_id IN (0, p_application_id) AND (d.ends_at IS NULL OR d.ends_at > p_now)) THEN
        RETURN 'do_not_call';
    END IF;
    -- On the simulated trunk, nobody's phone rings.
    IF p_trunk_kind <> 'simulated' AND NOT EXISTS (
            SELECT FROM unnest(p_account.destinations) AS t (allowed)
            WHERE allowed LIKE '+%' AND starts_with('+' || p_number, allowed)) THEN
        IF p_kind IN ('premium', 'shared_cost', 'satellite', 'unassigned', 'pager', 'personal')
           AND NOT p_kind = ANY (p_account.destinations) THEN
            RETURN 'destination_kind';
        END IF;
        IF p_country <> p_account.country AND NOT p_account.destinations && ARRAY['*', p_country] THEN
            RETURN 'destination_country';
        END IF;
    END IF;
    RETURN NULL;
END $$;
