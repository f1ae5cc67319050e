"""Says which entries were charged: those with a row among the scored ones, whatever came of it.

The live split has one account for all teams. So an entry that was charged counts against its team, also if it
has no score.
"""

from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Row, select

from sandbox.competitions.entries.tables import scored_entries
from sandbox.database import Transaction


def scoring_id(entry: int) -> UUID:
    """Of an entry: the same for each attempt, so that it is charged once."""
    return uuid5(NAMESPACE_URL, f"urn:cihu:competition-entry:{entry}")


def charged(tx: Transaction, entries: Iterable[int], *, lock: bool = False) -> dict[int, Row[Any]]:
    """Of these entries those that were charged, each with its row of `scored_entries`."""
    by_id = {scoring_id(entry): entry for entry in entries}
    wanted = select(scored_entries).where(scored_entries.c.id.in_(by_id)).order_by(scored_entries.c.id)
    rows = tx.execute(wanted.with_for_update() if lock else wanted)
    return {by_id[row.id]: row for row in rows}
