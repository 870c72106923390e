-- Waits until every start that may have read the rules of the account before has committed; starts that come later wait
-- for this transaction, and read the rules after it. So it comes last in a statement that makes a rule stricter, and that
-- statement commits by itself: p_after is something that the change has to have returned first.
CREATE OR REPLACE FUNCTION fence_rules(p_account_id bigint, p_after bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock(rules_lock_key(p_account_id));
    RETURN p_after;
END $$;
