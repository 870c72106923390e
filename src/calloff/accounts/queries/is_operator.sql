-- Trunks are shared by all accounts, and limits are set for them: only the first one, the operator's, may do it.
SELECT %(account_id)s = min(id) AS value FROM account
