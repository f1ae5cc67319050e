"""Reads a company's usage lines and their ways to the log, a page at a time: there may be millions.

Pages follow licence, month, time and id. Each is a transaction of its own: nobody's slow download holds one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, text

from sandbox.audit.batch_receipts import BatchTree, Step, step_of
from sandbox.audit.tree import hash_leaf
from sandbox.database import Database, Transaction

PAGE = 2000
LINE_COLUMNS = (
    "id",
    "licence",
    "month",
    "product",
    "release",
    "offer",
    "at",
    "reason",
    "outcome",
    "calls",
    "rows",
    "bytes",
    "quantity",
    "unit",
    "price_fen",
    "amount_fen",
    "key",
    "request_id",
    "period",
    "compensates",
    "log_index",
)
LICENCES = text("SELECT id FROM market.licences WHERE organisation = :organisation ORDER BY id")
LINES = """
    SELECT line.*, {leaf} AS leaf, own.seal, own.place AS group_place,
           coalesce(line.log_index, seals.log_index) AS entry
    FROM market.usage_lines AS line
    LEFT JOIN market.usage_groups AS own ON own.id = line.group_id
    LEFT JOIN market.usage_seals AS seals ON seals.id = own.seal
    WHERE line.licence = :licence AND line.at <= :as_of
      AND (line.month, line.at, line.id) > (:month, :at, :id)
    ORDER BY line.month, line.at, line.id LIMIT :page
    """
PLAIN, PROVEN = text(LINES.format(leaf="NULL")), text(LINES.format(leaf="market.line_text(line)"))
# of a group all lines, also those of others: their hashes lead the way, and tell nothing of them
GROUP_LEAVES = text(
    r"""
    SELECT line.group_id, array_agg(line.id ORDER BY line.place, line.id) AS ids,
           array_agg(sha256('\x00'::bytea || convert_to(market.line_text(line), 'UTF8'))
                     ORDER BY line.place, line.id) AS hashes
    FROM market.usage_lines AS line WHERE line.group_id = ANY (:groups) GROUP BY line.group_id
    """
)
SEAL_ROOTS = text(
    "SELECT seal, array_agg(root ORDER BY place) AS roots FROM market.usage_groups "
    "WHERE seal = ANY (:seals) GROUP BY seal"
)


@dataclass(frozen=True)
class Line:
    """A line, and its way to the entry of the log; no way while its second is not sealed."""

    values: Mapping[str, Any]
    leaf: str
    steps: tuple[Step, ...]

    @property
    def log_index(self) -> int | None:
        index = self.values["log_index"]
        return None if index is None else int(index)


def lines_of_company(
    database: Database, organisation: str, as_of: datetime, *, proven: bool = False
) -> Iterator[Line]:
    """Of calls up to that time. Their leaves and ways are read where they are asked for (`proven`)."""
    with database.transaction() as tx:
        held = tx.scalars(LICENCES, {"organisation": organisation}).all()
    for licence in held:
        yield from _lines_of_licence(database, licence, as_of, proven=proven)


def _lines_of_licence(database: Database, licence: int, as_of: datetime, *, proven: bool) -> Iterator[Line]:
    month, at, id = "", datetime.min.replace(tzinfo=UTC), ""
    while True:
        asked = {"licence": licence, "as_of": as_of, "month": month, "at": at, "id": id, "page": PAGE}
        with database.transaction() as tx:
            found = tx.execute(PROVEN if proven else PLAIN, asked).all()
            ways = ways_of(tx, found) if proven else {}
        for row in found:
            yield Line(values_of(row), row.leaf or "", ways.get(row.id, ()))
        if len(found) < PAGE:
            return
        month, at, id = found[-1].month, found[-1].at, found[-1].id


def values_of(row: Row[Any]) -> dict[str, Any]:
    values = {name: row._mapping[name] for name in LINE_COLUMNS}
    return {
        **values,
        "at": row.at.isoformat(),
        "quantity": format(row.quantity.normalize(), "f"),
        "log_index": row.entry,
    }


def ways_of(tx: Transaction, lines: Sequence[Row[Any]]) -> dict[str, tuple[Step, ...]]:
    """The steps of each line that is sealed: through its group, then through its second."""
    sealed = [line for line in lines if line.seal is not None]
    groups = sorted({line.group_id for line in sealed})
    seals = sorted({line.seal for line in sealed})
    leaves = {row.group_id: row for row in tx.execute(GROUP_LEAVES, {"groups": groups})}
    roots = {
        row.seal: [hash_leaf(bytes(root)) for root in row.roots]
        for row in tx.execute(SEAL_ROOTS, {"seals": seals})
    }
    in_seal: dict[int, Step] = {}
    ways: dict[str, tuple[Step, ...]] = {}
    trees: dict[int, BatchTree] = {}
    places = {number: {id: place for place, id in enumerate(row.ids)} for number, row in leaves.items()}
    for line in sealed:
        number = line.group_id
        if number not in trees:
            trees[number] = BatchTree([bytes(each) for each in leaves[number].hashes])
            in_seal[number] = step_of(roots[line.seal], line.group_place)
        ways[line.id] = (trees[number].step(places[number][line.id]), in_seal[number])
    return ways
