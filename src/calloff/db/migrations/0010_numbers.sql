-- What a phone number means, beside how its caller wrote it.

-- In which an account's numbers without a country code are read.
ALTER TABLE account ADD country text NOT NULL DEFAULT 'US' CHECK (country ~ '^[A-Z]{2}$');

-- `number` are the digits of the E.164 number; NULL for calls from before, and for rows that were written by hand, whose
-- meaning `start_calls` derives (number_of).
ALTER TABLE call ADD number bigint, ADD country text, ADD number_kind text;
