SELECT wav FROM application_recording
WHERE deployment_id = %(deployment_id)s AND version = %(version)s AND name = %(name)s
