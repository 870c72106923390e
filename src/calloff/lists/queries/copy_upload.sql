COPY upload (line, phone_number, ani, postd, number, country, number_kind, zones, variables, value, error) FROM STDIN
