SELECT start_calls(%(deployment_id)s, %(call_ids)b::bigint[], %(tokens)b, %(dialogs)b::jsonb[]) AS value
