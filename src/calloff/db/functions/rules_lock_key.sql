-- What starts hold shared while they look at the rules of an account (0: the operator's), and a stricter rule exclusively
-- before it commits.
CREATE OR REPLACE FUNCTION rules_lock_key(p_account_id bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashint8extended(p_account_id, 6014);
