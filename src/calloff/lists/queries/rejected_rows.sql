SELECT line, value, error FROM upload WHERE error IS NOT NULL ORDER BY line LIMIT %(limit)s
