-- What a request with an Idempotency-Key answered, for its repeats.
CREATE TABLE idempotency_key (
    deployment_id bigint NOT NULL REFERENCES deployment,
    key           text NOT NULL,
    -- SHA-256 of what was asked for: a repeat that asks for something else is refused.
    fingerprint   bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    call_ids      bigint[] NOT NULL,
    -- The rows that a bulk upload rejected, as its answer lists them.
    rejected      jsonb NOT NULL DEFAULT '[]',
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (deployment_id, key)
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at);
