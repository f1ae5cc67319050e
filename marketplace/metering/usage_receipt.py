"""Makes the receipt of a usage line: from the line to its group, to its second's seal, to the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text

from marketplace.metering.tables import usage_groups, usage_lines, usage_seals
from sandbox.audit.batch_receipts import Step, batch_receipt, step_of
from sandbox.audit.tree import hash_leaf
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, NotFound, Unavailable

LEAVES = text(
    """
    SELECT line.id, market.line_text(line) AS leaf FROM market.usage_lines AS line
    WHERE line.group_id = :group ORDER BY line.place, line.id
    """
)
GROUP_ROOTS = text("SELECT root FROM market.usage_groups WHERE seal = :seal ORDER BY place")


@dataclass(frozen=True)
class Way:
    """What leads from a line to the log, but for the log's own receipt."""

    leaf: str
    steps: tuple[Step, ...]
    log_index: int


def usage_receipt(
    database: Database, *, line: str, licence: int, entry: Callable[[int], Mapping[str, object]]
) -> dict[str, object]:
    """The receipt of a line of the licence. `entry` gives the log's receipt of an index, with its opening.

    Raises `NotFound`; `Conflict` while its second is not sealed, and for a line from before there were seals.
    """
    with database.transaction() as tx:
        way = find_way(tx, line, licence)
    receipt = entry(way.log_index)
    if receipt.get("opening") is None:
        raise Unavailable("The log does not open the entry of this line.", remedy="Tell the operator.")
    return batch_receipt(way.leaf, way.steps, receipt)


def find_way(tx: Transaction, line: str, licence: int) -> Way:
    found = tx.execute(
        select(usage_lines.c.group_id, usage_groups.c.seal, usage_groups.c.place, usage_seals.c.log_index)
        .outerjoin(usage_groups, usage_groups.c.id == usage_lines.c.group_id)
        .outerjoin(usage_seals, usage_seals.c.id == usage_groups.c.seal)
        .where(usage_lines.c.id == line, usage_lines.c.licence == licence)
        .order_by(usage_lines.c.at.desc())  # an Idempotency-Key may be used anew months later
        .limit(1)
    ).one_or_none()
    if found is None:
        raise no_line()
    if found.group_id is None:
        raise Conflict(
            "This line has an entry of its own in the log.",
            code="own_entry",
            remedy="Its log_index names the entry: get the entry's receipt.",
            zh="这条记录在日志中有自己的条目。",
            remedy_zh="请按其 log_index 取得该条目的凭证。",
        )
    if found.seal is None:
        raise Conflict(
            "The line is written, and its second is not in the log yet.",
            code="not_sealed",
            remedy="Try again in a second.",
            zh="该记录已写入，但所在的这一秒尚未进入日志。",
            remedy_zh="请一秒后重试。",
        )
    lines = tx.execute(LEAVES, {"group": found.group_id}).all()
    place = next(number for number, row in enumerate(lines) if row.id == line)
    in_group = step_of([hash_leaf(row.leaf.encode()) for row in lines], place)
    roots = tx.execute(GROUP_ROOTS, {"seal": found.seal}).scalars()
    in_seal = step_of([hash_leaf(bytes(root)) for root in roots], found.place)
    return Way(lines[place].leaf, (in_group, in_seal), found.log_index)


def no_line() -> NotFound:
    """Also for whoever may not know of it."""
    return NotFound("There is no such usage line.", zh="没有这条计量记录。")


def licence_of_line(tx: Transaction, line: str) -> int:
    """Raises `NotFound`."""
    found: Any = tx.execute(
        select(usage_lines.c.licence).where(usage_lines.c.id == line).limit(1)
    ).scalar_one_or_none()
    if found is None:
        raise no_line()
    return int(found)
