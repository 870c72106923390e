DELETE FROM function_source WHERE name = %s
