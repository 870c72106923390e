-- A cancel may also end what is dialing or connected: CANCEL or BYE for each of these calls.
ALTER TABLE cancellation ADD hangs_up boolean NOT NULL DEFAULT false;
CREATE INDEX cancellation_that_hangs_up ON cancellation (deployment_id, epoch) WHERE hangs_up;
