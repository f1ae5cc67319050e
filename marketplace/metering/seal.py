"""Puts the usage lines into the log: one entry a second holds the Merkle root over all groups since the last.

A line is a leaf of its group's tree, the group's root a leaf of the seal's tree, the seal's root the payload
of a log entry. A receipt (`usage_receipt.py`) leads from the line to the log, and is checked offline.
"""

from sqlalchemy import func, insert, text

from marketplace.metering.tables import usage_seals
from sandbox.audit import Event, append
from sandbox.audit.batch_receipts import MERKLE_ROOT, root_of
from sandbox.audit.tree import hash_leaf
from sandbox.database import Database, Transaction, try_lock_name

MOST_GROUPS = 20_000
UNSEALED = text(
    """
    SELECT groups.id, array_agg(sha256('\\x00'::bytea || convert_to(market.line_text(line), 'UTF8'))
                                ORDER BY line.place, line.id)
    FROM (SELECT id FROM market.usage_groups WHERE seal IS NULL ORDER BY id LIMIT :most) AS groups
    JOIN market.usage_lines AS line ON line.group_id = groups.id
    GROUP BY groups.id ORDER BY groups.id
    """
)
SEAL_GROUPS = text(
    """
    UPDATE market.usage_groups AS sealed SET seal = :seal, place = given.place - 1, root = given.root
    FROM unnest(CAST(:groups AS bigint[]), CAST(:roots AS bytea[])) WITH ORDINALITY AS given(id, root, place)
    WHERE sealed.id = given.id
    """
)


def seal_usage(database: Database) -> int:
    """Seal the groups that are not sealed yet; how many. Nothing if another process is at it."""
    with database.transaction() as tx:
        if not try_lock_name(tx, "market.usage_seals"):
            return 0
        found = tx.execute(UNSEALED, {"most": MOST_GROUPS}).all()
        if not found:
            return 0
        write_seal(tx, [row.id for row in found], [root_of(list(map(bytes, row[1]))) for row in found])
    return len(found)


def write_seal(tx: Transaction, groups: list[int], roots: list[bytes]) -> None:
    root = root_of([hash_leaf(each) for each in roots])
    seal = tx.execute(
        insert(usage_seals)
        .values(at=func.clock_timestamp(), root=root, log_index=-1)
        .returning(usage_seals.c.id)
    ).scalar_one()
    tx.execute(SEAL_GROUPS, {"seal": seal, "groups": groups, "roots": roots})
    index = append(
        tx,
        Event(
            kind="usage.sealed",
            actor="marketplace",
            subject=f"seal:{seal}",
            payload={MERKLE_ROOT: root.hex(), "groups": len(groups)},
        ),
    )
    tx.execute(usage_seals.update().where(usage_seals.c.id == seal).values(log_index=index))
