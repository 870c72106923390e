-- Counts no further than a scrape may cost.
SELECT count(*) AS waiting, count(*) FILTER (WHERE failures > 0) AS failing
FROM (SELECT failures FROM callback WHERE delivered_at IS NULL AND gave_up_at IS NULL LIMIT 100000) AS open
