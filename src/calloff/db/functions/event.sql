CREATE OR REPLACE FUNCTION event(p_name text, p_at timestamptz, p_detail jsonb DEFAULT '{}') RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('event', p_name, 'timestamp', round(extract(epoch FROM p_at), 3)) || p_detail;
