SELECT name, checksum FROM function_source
