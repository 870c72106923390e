CREATE TEMPORARY TABLE upload (
    line bigint NOT NULL,
    id bigint DEFAULT nextval('call_id_seq'),
    phone_number text,
    ani text,
    postd text,
    number bigint,
    country text,
    number_kind text,
    zones text[],
    variables jsonb,
    value text,
    error text
)
