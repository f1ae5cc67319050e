"""Finds the columns that name an account, and what stands in them about one: for whoever asks what is held
about them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, MetaData, String, func, select
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.database.connection import Transaction

NAMES = frozenset(
    {
        "account",
        "actor",
        "audience",
        "author",
        "buyer",
        "by",
        "captain",
        "holder",
        "juror",
        "login",
        "maintainer",
        "makers",
        "member",
        "officer",
        "person",
        "pusher",
        "reviewer",
        "secret_shown_to",
        "second_person",
        "successor",
        "whom",
    }
)
"""Columns of these names hold an account, and all that end in `_by`."""


def account_columns(metadata: MetaData) -> frozenset[str]:
    """All that do so by their name, or by a foreign key, as `schema.table.column`."""
    return frozenset(
        f"{table.fullname}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if _names_account(column)
    )


def _names_account(column: Column[Any]) -> bool:
    if any(key.target_fullname == "identity.accounts.id" for key in column.foreign_keys):
        return True
    named = column.name in NAMES or column.name.endswith("_by")
    return named and isinstance(column.type, String | JSONB)


def held_rows(
    tx: Transaction, metadata: MetaData, shown: Mapping[str, tuple[str, ...]], account: str
) -> dict[str, list[dict[str, Any]]]:
    """Rows that are an account's own: of each column of `shown`, these other columns of the row."""
    held = {}
    for place, names in shown.items():
        column = _column(metadata, place)
        wanted = select(*(column.table.c[name] for name in names)).where(column == account)
        held[place] = [
            {
                name: value if isinstance(value, str | int | float | list | dict) else str(value)
                for name, value in row._mapping.items()
                if value is not None
            }
            for row in tx.execute(wanted.order_by(column.table.c[names[0]]))
        ]
    return held


def held_counts(tx: Transaction, metadata: MetaData, places: Iterable[str], account: str) -> dict[str, int]:
    """In how many rows an account stands as whoever did something; where in none, nothing is said."""
    counts = {}
    for place in places:
        column = _column(metadata, place)
        # makers are a list of accounts
        named = column.contains([account]) if isinstance(column.type, JSONB) else column == account
        if number := tx.scalar(select(func.count()).select_from(column.table).where(named)):
            counts[place] = int(number)
    return counts


def _column(metadata: MetaData, place: str) -> Column[Any]:
    table, _, name = place.rpartition(".")
    return metadata.tables[table].c[name]
