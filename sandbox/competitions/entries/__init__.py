"""Entries: their predictions, each from one person's rows alone, and their scores, each told once."""
