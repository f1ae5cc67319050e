"""Payments: what came, for which invoice, and what is still due."""
