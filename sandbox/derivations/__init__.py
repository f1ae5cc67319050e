"""Datasets that are made of others by reviewed SQL: read, checked, agreed to, computed, published."""
