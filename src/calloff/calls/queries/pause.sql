SELECT pause_queue(%(deployment_id)s, %(paused)s) AS value
