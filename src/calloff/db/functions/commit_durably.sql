-- What every promise takes for granted of its transaction, whatever the server's defaults are: a commit that is not
-- waited for would make a 202 a guess, and one snapshot for the whole transaction would be older than the lock.
CREATE OR REPLACE FUNCTION commit_durably() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'The queue needs transactions that are READ COMMITTED.' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;
