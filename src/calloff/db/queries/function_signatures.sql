SELECT p.oid::regprocedure::text FROM pg_proc AS p
WHERE p.proname = %s AND p.pronamespace = current_schema()::regnamespace
