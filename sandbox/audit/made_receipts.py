"""Makes receipts of entries under one checkpoint, which `receipts.py` verifies."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from sandbox.audit.model import Opening
from sandbox.audit.note import encode
from sandbox.audit.receipts import FORMAT
from sandbox.audit.stored import hashes_of
from sandbox.audit.tables import entries, openings
from sandbox.audit.tree import inclusion_spans
from sandbox.database import Transaction


def receipts_of(
    tx: Transaction,
    indexes: Sequence[int],
    *,
    note: str,
    size: int,
    may_open: Callable[[str], bool] = lambda _: True,
) -> list[dict[str, Any]]:
    """In the order asked. `note`: the signed checkpoint of `size` entries, all of `indexes` among them.
    `may_open(actor)`: whether what an entry committed to is shown, unless it was erased."""
    wanted = (
        select(entries.c.index.label("place"), entries.c.entry, openings.c.salt, openings.c.content)
        .select_from(entries.outerjoin(openings, openings.c.index == entries.c.index))
        .where(entries.c.index.in_(indexes))
    )
    found = {row.place: row for row in tx.execute(wanted)}
    spans = [inclusion_spans(index, size) for index in indexes]
    hashes = iter(hashes_of(tx, [span for of_entry in spans for span in of_entry]))  # one read for all
    made = []
    for index, of_entry in zip(indexes, spans, strict=True):
        row = found[index]
        opening = None if row.content is None else Opening(bytes(row.salt), row.content)
        if opening is not None and not may_open(opening.actor()):
            opening = None
        made.append(
            {
                "format": FORMAT,
                "index": index,
                "entry": row.entry,
                "opening": {"salt": opening.salt.hex(), "content": opening.content} if opening else None,
                "proof": [encode(next(hashes)) for _ in of_entry],
                "checkpoint": note,
            }
        )
    return made
