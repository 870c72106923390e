-- When an account may ring people, on their clocks.
ALTER TABLE account
    -- No hours, no rule.
    ADD hours_from time,
    ADD hours_until time,
    -- ISO 8601 weekdays, Monday is 1.
    ADD hours_days smallint[] NOT NULL DEFAULT '{1,2,3,4,5,6,7}' CHECK (cardinality(hours_days) > 0),
    ADD CONSTRAINT hours_are_a_window CHECK (num_nulls(hours_from, hours_until) IN (0, 2) AND hours_from < hours_until);

-- The time zones that the number can lie in; empty if nobody knows any.
ALTER TABLE call ADD zones text[];
