COPY upload (line, id, phone_number, ani, postd, variables, value, error) FROM STDIN
