SELECT vxml FROM application_document WHERE deployment_id = %(deployment_id)s AND version = %(version)s
