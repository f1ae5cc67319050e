"""Stores and reads released tables about the same people, with the units behind their numbers.
Rows in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Row, delete, func, insert, select, update

from sandbox.catalog import Version
from sandbox.database import Transaction, lock_name
from sandbox.declared.contributions import Behind
from sandbox.declared.table import Key, Table
from sandbox.declared.tables import declared_tables as kept


@dataclass(frozen=True)
class KeptTable:
    """A table as it was computed.
    `key_id`: under which key its units' digests are; `released_at`: None for a candidate."""

    run: UUID
    population: str
    unit_kind: str
    key_id: str
    table: Table
    released_at: datetime | None


def keep(tx: Transaction, run: UUID, version: Version, table: Table, key_id: str) -> None:
    """Until it is decided on."""
    assert version.policy.unit is not None, "a declared query is about units"
    tx.execute(
        insert(kept).values(
            run=run,
            population=version.policy.population,
            unit_kind=version.policy.unit.kind,
            key_id=key_id,
            keys=[{"name": key.name, "values": list(key.values)} for key in table.keys],
            measures=list(table.measures),
            shown=np.packbits(table.shown).tobytes(),
            behind=table.behind.to_bytes(),
        )
    )


def candidate(tx: Transaction, run: UUID) -> KeptTable | None:
    """None for a run that left none: it failed, or it is no declared query."""
    row = tx.execute(select(kept).where(kept.c.run == run)).first()
    return _kept(row) if row else None


def released_about(tx: Transaction, one: KeptTable) -> Sequence[KeptTable]:
    """The other tables about the same people that have left, the newest first."""
    found = tx.execute(
        select(kept)
        .where(
            kept.c.population == one.population,
            kept.c.unit_kind == one.unit_kind,
            kept.c.release_number.is_not(None),
            kept.c.run != one.run,
        )
        .order_by(kept.c.release_number.desc())
    )
    return [_kept(row) for row in found]


def forget(tx: Transaction, run: UUID) -> None:
    """Delete the units behind a refused table: nobody needs them."""
    tx.execute(delete(kept).where(kept.c.run == run, kept.c.release_number.is_(None)))


# --- one release at a time, each beside all before it


def last_release(tx: Transaction) -> int:
    """The number of the newest release of all; 0 before the first."""
    return int(tx.execute(select(func.coalesce(func.max(kept.c.release_number), 0))).scalar_one())


def checked_to(tx: Transaction, run: UUID) -> int | None:
    return tx.execute(select(kept.c.checked_to).where(kept.c.run == run)).scalar_one_or_none()


def mark_checked(tx: Transaction, run: UUID, release: int) -> None:
    tx.execute(update(kept).where(kept.c.run == run).values(checked_to=release))


def mark_released(tx: Transaction, run: UUID) -> bool:
    """Take the next place among releases, if the table was checked beside all before it; False if it was not.

    True too for a run that left no table. Other releases wait until the transaction ends.
    """
    lock_name(tx, "cihu releases of declared tables")
    if tx.execute(select(kept.c.run).where(kept.c.run == run)).first() is None:
        return True
    last = last_release(tx)
    if checked_to(tx, run) != last:
        return False
    tx.execute(
        update(kept).where(kept.c.run == run).values(release_number=last + 1, released_at=datetime.now(UTC))
    )
    return True


def _kept(row: Row[Any]) -> KeptTable:
    behind = Behind.from_bytes(row.behind)
    size = behind.cells * behind.measures
    shown = (
        np.unpackbits(np.frombuffer(row.shown, dtype=np.uint8), count=size)
        .astype(np.bool_)
        .reshape(behind.cells, behind.measures)
    )
    table = Table(
        tuple(Key(one["name"], tuple(one["values"])) for one in row.keys), tuple(row.measures), behind, shown
    )
    return KeptTable(row.run, row.population, row.unit_kind, row.key_id, table, row.released_at)
