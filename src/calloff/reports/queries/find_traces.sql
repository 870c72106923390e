SELECT attempt, messages, media FROM call_trace WHERE call_id = %(call_id)s ORDER BY attempt
