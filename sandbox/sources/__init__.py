"""Reads tables and objects where they are: in databases, object stores, web servers. Read-only, in time."""
