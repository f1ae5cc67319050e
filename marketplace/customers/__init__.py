"""Customers: who a buying organisation is, checked by an operator."""
