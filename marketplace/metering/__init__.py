"""Metering: each call is charged once, with its reason, in the transaction that admits it."""
