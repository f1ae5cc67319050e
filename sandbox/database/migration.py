"""Migrates a database from one version to the next by alembic: one history for each side, one migrator at a
time.

Both sides use this; each brings its own `History`. To compare (`revise`, `differences`), its tables
must have been imported.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from psycopg.errors import DuplicateTable, InsufficientPrivilege
from sqlalchemy.exc import ProgrammingError

from sandbox.database.connection import Database, Transaction
from sandbox.database.metadata import metadata
from sandbox.database.named_locks import lock_name
from sandbox.database.roles import VERSION_TABLE
from sandbox.errors import CihuError, Conflict, Forbidden

SCRIPTS = Path(__file__).parent / "migrations"
_ALEMBIC = Lock()  # alembic keeps the migration that runs in module globals: one at a time in one process


@dataclass(frozen=True)
class History:
    """The migrations of one side, in `folder`, for the tables of `schemas`.
    Its version stands in the last of them."""

    folder: Path
    schemas: tuple[str, ...]

    def options(self) -> dict[str, Any]:
        """What alembic must know to see the tables of this side, and only them."""
        return {
            "target_metadata": metadata,
            "include_schemas": True,
            "include_name": self._looks_in,
            "include_object": self._is_mine,
            "version_table": VERSION_TABLE,
            "version_table_schema": self.schemas[-1],
            "compare_server_default": True,
        }

    def _looks_in(self, name: str | None, kind: str, _: Any) -> bool:
        """Which of the database's schemas are read."""
        return kind != "schema" or name in self.schemas

    def _is_mine(self, thing: Any, _: str | None, kind: str, *__: Any) -> bool:
        """Which of the metadata's tables are compared: the other side's hang on it too."""
        return kind != "table" or thing.schema in self.schemas


@contextmanager
def owned(owner_url: str) -> Iterator[Transaction]:
    """One transaction as the owner, while nobody else migrates this database.
    Raises `CihuError` if it cannot be done."""
    database = Database(owner_url, pool_size=1)
    try:
        with database.transaction() as tx:
            lock_name(tx, "cihu migration")
            yield tx
    except (ProgrammingError, CommandError) as error:
        raise _meaning(error) from error
    finally:
        database.close()


def upgrade(tx: Transaction, history: History, to: str = "head") -> None:
    """Bring the tables of `history` to its newest version, or to an older one, in the caller's transaction
    (see `owned`)."""
    with _ALEMBIC:
        command.upgrade(_config(tx, history), to)


def revise(tx: Transaction, history: History, *, number: str, message: str) -> None:
    """Write a new migration from what the tables' metadata has and the database has not.
    To be read before it is used."""
    with _ALEMBIC:
        command.revision(_config(tx, history), message, autogenerate=True, rev_id=number)


def differences(tx: Transaction, history: History) -> list[Any]:
    """What the database and the tables' metadata do not have in common, as alembic sees it:
    nothing, after `upgrade`."""
    context = MigrationContext.configure(tx, opts=history.options())
    return list(compare_metadata(context, metadata))


def _config(tx: Transaction, history: History) -> Config:
    config = Config(attributes={"connection": tx, "options": history.options()})
    config.set_main_option("script_location", _escaped(SCRIPTS))
    config.set_main_option("version_locations", _escaped(history.folder))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def _escaped(folder: Path) -> str:
    """alembic's options are read by configparser, where % is special."""
    return str(folder).replace("%", "%%")


def _meaning(error: ProgrammingError | CommandError) -> CihuError:
    if isinstance(error, CommandError):
        return Conflict(
            "This database was migrated by another version of Cihu, whose migrations are not here.",
            remedy="Start that version, or a newer one.",
            internal=str(error),
        )
    if isinstance(error.orig, DuplicateTable):
        return Conflict(
            "This database has Cihu's tables, but not from a migration.",
            remedy="It was made before there were migrations: begin with an empty one (a new CIHU_HOME).",
            internal=str(error.orig),
        )
    if isinstance(error.orig, InsufficientPrivilege):
        return Forbidden(
            "This role may not change the database's tables.",
            remedy="Give the address of the database for its owner.",
            internal=str(error.orig),
        )
    raise error
