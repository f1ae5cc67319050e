"""Rows that a department's own system sends in batches, which become the next version of a dataset."""
