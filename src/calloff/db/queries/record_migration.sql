INSERT INTO migration (version, name, checksum) VALUES (%s, %s, %s)
