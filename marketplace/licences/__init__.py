"""Licences: what an organisation may do, how often and at which price."""
