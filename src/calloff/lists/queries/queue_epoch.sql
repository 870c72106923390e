SELECT epoch AS value FROM queue WHERE deployment_id = %(deployment_id)s
