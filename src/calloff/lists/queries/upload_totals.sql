SELECT count(*) FILTER (WHERE error IS NULL) AS queued, count(*) FILTER (WHERE error IS NOT NULL) AS rejected,
       (SELECT format('Line %%s: %%s', line, error) FROM upload WHERE error IS NOT NULL ORDER BY line LIMIT 1) AS first_error
FROM upload
