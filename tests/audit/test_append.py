"""Appending: in the caller's transaction, in order, without gaps, by roles that cannot change what stands."""

from sqlalchemy import select

from sandbox.audit import Event, append
from sandbox.audit.tables import entries, nodes
from sandbox.audit.tree import Growth, hash_leaf
from sandbox.database import Database


def event(number: int = 0) -> Event:
    return Event(kind="grant.approved", actor="lin", subject=f"grant:{number}", payload={"epsilon": "1/10"})


def test_entries_are_numbered_from_zero_and_the_stored_nodes_are_those_of_the_tree(database: Database) -> None:
    with database.transaction() as tx:
        assert [append(tx, event(number)) for number in range(20)] == list(range(20))
    with database.transaction() as tx:
        leaves = tx.scalars(select(entries.c.entry).order_by(entries.c.index)).all()
        stored = {(row.level, row.position): row.hash for row in tx.execute(select(nodes))}
    tree = Growth()
    assert stored == {tuple(node): hash for leaf in leaves for node, hash in tree.add(hash_leaf(leaf.encode()))}
