"""Hands out what was bought: rows of open copies and answers to private queries,
each call admitted and settled."""
