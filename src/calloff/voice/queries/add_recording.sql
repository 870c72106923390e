INSERT INTO application_recording (deployment_id, version, name, wav)
VALUES (%(deployment_id)s, %(version)s, %(name)s, %(wav)s)
