UPDATE session SET seen_at = now() WHERE sha256 = %(sha256)s
