SELECT rescue_calls() AS value
