"""Looks for values and rows of the raw data in a text, by keyed digests alone."""
