-- Trunks are shared by all accounts, so only the first one, which is the operator's, may change them.
SELECT %(account_id)s = min(id) AS value FROM account
