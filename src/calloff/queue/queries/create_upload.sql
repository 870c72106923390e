CREATE TEMPORARY TABLE upload (
    line bigint NOT NULL,
    id bigint,
    phone_number text,
    ani text,
    postd text,
    variables jsonb,
    value text,
    error text
)
