"""What a call is: states, phone numbers, windows, retry rules, results and errors. Pure; the clock is passed in."""
