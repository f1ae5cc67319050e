"""Limits of a whole company, over all its licences: an operator sets them, its owners set lower ones."""
