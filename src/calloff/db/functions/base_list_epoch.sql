-- From here on, an epoch is that of a list or of its cancellation; below, it counts the cancels of a queue.
CREATE OR REPLACE FUNCTION base_list_epoch() RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 1099511627776;
