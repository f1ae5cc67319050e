"""A small city in which two teams declare queries, on a real Postgres and a real S3 server."""

from declared_tables import declaring

__all__ = ["declaring"]
