CREATE OR REPLACE FUNCTION refuse_to_change_an_ended_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A call that is over does not change any more.' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE TRIGGER call_is_over AFTER UPDATE ON call
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION refuse_to_change_an_ended_call();
