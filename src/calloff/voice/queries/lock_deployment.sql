-- So that two who publish come one after the other.
SELECT d.id FROM deployment AS d WHERE d.id = %(deployment_id)s FOR NO KEY UPDATE
