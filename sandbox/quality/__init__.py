"""The quality of each version: a report over its rows, rules that stop it or warn, and reported problems."""
