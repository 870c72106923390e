SELECT pause_queue(%(deployment_id)s, true) AS value
