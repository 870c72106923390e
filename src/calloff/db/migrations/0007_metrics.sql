-- What a dialer measured since it started, written when it renews its lease: each API process can tell it.
ALTER TABLE dialer ADD COLUMN ports_in_use integer NOT NULL DEFAULT 0;
ALTER TABLE dialer ADD COLUMN latencies jsonb NOT NULL DEFAULT '{}';
ALTER TABLE dialer ADD COLUMN dials jsonb NOT NULL DEFAULT '{}';
