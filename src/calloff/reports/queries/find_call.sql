SELECT * FROM call_status WHERE id = %(call_id)s
