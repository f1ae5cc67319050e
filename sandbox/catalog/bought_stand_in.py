"""Reads which stand-in rows were bought for a version, at which privacy loss, and how near they are to the
noisy counts."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from sandbox.catalog.model import Version
from sandbox.catalog.tables import stand_ins
from sandbox.database import Transaction


@dataclass(frozen=True)
class Bought:
    """`about`: epsilon, delta, quality (sandbox/synthesis/quality.py); `rows`: Parquet."""

    about: dict[str, Any]
    rows: bytes


def bought_stand_in(tx: Transaction, version: Version) -> Bought | None:
    """The rows that are there for a version, if an officer bought some."""
    row = tx.execute(
        select(stand_ins.c.about, stand_ins.c.rows).where(
            stand_ins.c.dataset == version.dataset,
            stand_ins.c.number == version.number,
            stand_ins.c.status == "released",
        )
    ).first()
    return None if row is None else Bought(dict(row.about), bytes(row.rows))
