SELECT set_config(key, value, false) FROM jsonb_each_text(%(settings)s)
