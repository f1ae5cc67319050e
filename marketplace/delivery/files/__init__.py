"""Delivers files: a signed list, and each file in parts."""
