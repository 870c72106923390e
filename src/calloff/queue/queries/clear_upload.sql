TRUNCATE upload
