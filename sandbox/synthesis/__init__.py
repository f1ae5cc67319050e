"""Rows that could have been: synthesised from noisy counts that an officer buys once."""
