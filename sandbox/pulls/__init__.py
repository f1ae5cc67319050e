"""Datasets whose rows are fetched from a source at set times, and become a new version each time."""
