SELECT rescue_calls(%(patience)s) AS value
