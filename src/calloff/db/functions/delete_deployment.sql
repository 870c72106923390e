-- Deletes a deployment, and with it calls off what is pending there. Returns whether there was one to delete.
CREATE OR REPLACE FUNCTION delete_deployment(p_deployment_id bigint, p_user_id bigint, p_origin text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM cancel_pending(p_deployment_id, p_user_id, p_origin);
    UPDATE deployment SET deleted_at = clock_timestamp() WHERE id = p_deployment_id AND deleted_at IS NULL;
    RETURN FOUND;
END $$;
