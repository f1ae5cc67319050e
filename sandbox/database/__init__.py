"""One Postgres: the engine, the transaction, the tables' metadata, the migrations."""

from sandbox.database.arrays import array_of, numbers_of
from sandbox.database.connection import Database, Transaction
from sandbox.database.metadata import metadata
from sandbox.database.named_locks import lock_name, try_lock_name

__all__ = ["Database", "Transaction", "array_of", "lock_name", "metadata", "numbers_of", "try_lock_name"]
