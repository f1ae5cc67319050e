"""One Postgres: the engine, the transaction, the tables' metadata, the migrations."""

from sandbox.database.connection import Database, Transaction
from sandbox.database.metadata import metadata

__all__ = ["Database", "Transaction", "metadata"]
