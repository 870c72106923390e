-- The epoch of the cancellation that called off the pending calls of an epoch; NULL while they are live. A list has ended
-- with whatever came first: its own cancellation or one of the deployment.
CREATE OR REPLACE FUNCTION called_off_by(p_deployment_id bigint, p_epoch bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_epoch < base_list_epoch() THEN
        RETURN (SELECT p_epoch + 1 FROM queue AS q WHERE q.deployment_id = p_deployment_id AND q.epoch > p_epoch);
    END IF;
    RETURN (
        SELECT coalesce(x.epoch, CASE WHEN l.queue_epoch < q.epoch THEN l.queue_epoch + 1 END)
        FROM list AS l
        JOIN queue AS q ON q.deployment_id = l.deployment_id
        LEFT JOIN cancellation AS x ON x.deployment_id = l.deployment_id AND x.epoch = l.epoch + 1
        WHERE l.deployment_id = p_deployment_id AND l.epoch = p_epoch);
END $$;
