"""Looks after accounts, organisations, teams and roles."""
