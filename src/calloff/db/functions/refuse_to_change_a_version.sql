CREATE OR REPLACE FUNCTION refuse_to_change_a_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A version of a message never changes. Add another one.' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE TRIGGER version_is_kept BEFORE UPDATE OR DELETE ON message_version
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_version();
CREATE OR REPLACE TRIGGER version_is_kept BEFORE UPDATE OR DELETE ON message_file
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_version();
