"""Calls of a model: predictions for rows that the caller sends."""
