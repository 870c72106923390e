-- The audit log tells what a setting was before and is now, and one entry serves both who did it and whom it concerns.
-- It is read by time, since cancellations are shown among its entries.

ALTER TABLE audit_log ADD changes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(changes) = 'object');
DROP INDEX audit_log_account;
CREATE INDEX audit_log_account ON audit_log (account_id, at, id);
CREATE INDEX audit_log_user ON audit_log (user_id, at, id);
