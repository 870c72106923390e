-- What went over the wire for an attempt, packed, and what its sound counted. Written beside the call, never in its way;
-- removed with it.
CREATE TABLE call_trace (
    call_id bigint NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    messages bytea NOT NULL,
    media jsonb,
    PRIMARY KEY (call_id, attempt)
);
