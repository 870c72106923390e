"""What Calloff costs, beside something that everybody knows the cost of: `make bench`, or `make bench FULL=1`."""
