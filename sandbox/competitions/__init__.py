"""Competitions on data that nobody sees: the object, its teams, entries, jury, final, notice and appeals."""
