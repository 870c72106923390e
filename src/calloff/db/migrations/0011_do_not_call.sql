-- Whom not to call, and where an account may call.

CREATE TABLE do_not_call (
    -- 0 for the operator's list, which holds for every account.
    account_id     bigint NOT NULL,
    -- The digits of the E.164 number.
    number         bigint NOT NULL,
    -- 0 for all applications of the account.
    application_id bigint NOT NULL,
    -- How it is known: a call, a key pressed, a file.
    source         text NOT NULL,
    evidence       text,
    user_id        bigint REFERENCES account_user,
    origin         text NOT NULL,
    added_at       timestamptz NOT NULL DEFAULT now(),
    -- NULL for good.
    ends_at        timestamptz,
    -- The only index: a start looks numbers up by it, and a list of one account is read in its order.
    PRIMARY KEY (account_id, number, application_id)
);

-- Beyond the ordinary numbers of its own country: countries (`DE`), kinds (`premium`), prefixes (`+4930`), or `*` for the
-- ordinary numbers of every country. The operator's to give.
ALTER TABLE account ADD destinations text[] NOT NULL DEFAULT '{}';
