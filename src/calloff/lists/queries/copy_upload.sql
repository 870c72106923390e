COPY upload (line, phone_number, ani, postd, variables, value, error) FROM STDIN
