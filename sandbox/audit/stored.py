"""Reads the stored tree from the database and checks that it is consistent."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, tuple_

from sandbox.audit.tables import entries, nodes
from sandbox.audit.tree import Growth, Node, Span, fold, frontier, hash_leaf, nodes_of
from sandbox.database import Transaction
from sandbox.errors import Unavailable

CHUNK = 1000
MOST_FAULTS = 20


def size_of(tx: Transaction) -> int:
    """How many entries are committed (or written by this transaction)."""
    return int(tx.scalar(select(func.coalesce(func.max(entries.c.index) + 1, 0))) or 0)


def hashes_of(tx: Transaction, spans: Iterable[Span]) -> list[bytes]:
    """The hash of every span, from the stored nodes: O(log n) rows for the spans of one proof."""
    spans = list(spans)
    wanted = {node for span in spans for node in nodes_of(span)}
    stored = {Node(row.level, row.position): bytes(row.hash) for row in _rows(tx, wanted)}
    missing = wanted - stored.keys()
    if missing:
        raise Unavailable("A node of the log is missing.", internal=f"missing {sorted(missing)[:5]}")
    return [fold([stored[node] for node in nodes_of(span)]) for span in spans]


def growth_at(tx: Transaction, size: int) -> Growth:
    """The tree of the first `size` entries, by the stored nodes."""
    return Growth(size, hashes_of(tx, [_leaves(node) for node in frontier(size)]))


def _leaves(node: Node) -> Span:
    return Span(node.position << node.level, (node.position + 1) << node.level)


def _rows(tx: Transaction, wanted: Iterable[Node]) -> Sequence[Row[int, int, bytes]]:
    places = [tuple(node) for node in wanted]
    if not places:
        return []
    return tx.execute(select(nodes).where(tuple_(nodes.c.level, nodes.c.position).in_(places))).all()


class Recount:
    """Grow a tree from the entries themselves, and compare every hash on the way with the stored one.

    `faults` says what did not fit; `roots` holds the roots at the sizes in `wanted`.
    """

    def __init__(self, tx: Transaction, growth: Growth, wanted: Iterable[int] = ()) -> None:
        self.tx, self.growth, self.wanted = tx, growth, frozenset(wanted)
        self.faults: list[str] = []
        self.roots: dict[int, bytes] = {}
        self._note_root()

    def to(self, size: int) -> bytes:
        """Go on to `size` entries; give the root there. Stops early when an entry is missing."""
        while self.growth.size < size and len(self.faults) < MOST_FAULTS:
            start = self.growth.size
            if not self._chunk(start, min(start + CHUNK, size)):
                break
        return self.growth.root()

    def _chunk(self, start: int, end: int) -> bool:
        held = entries.c.index.between(start, end - 1)
        rows = self.tx.execute(select(entries.c.index, entries.c.entry).where(held))
        texts = {int(row[0]): str(row[1]) for row in rows}
        stored = {
            Node(row.level, row.position): bytes(row.hash)
            for row in self.tx.execute(select(nodes).where(_completed(start, end)))
        }
        for index in range(start, end):
            if index not in texts:
                self.faults.append(f"entry {index} is missing")
                return False
            leaf = hash_leaf(texts[index].encode())
            place = Node(0, index)
            if place in stored and stored[place] != leaf:
                self.faults.append(
                    f"entry {index} is not the one that was appended: its hash differs from its leaf"
                )
                # so that a changed entry is a single fault, not a fault for every node above it
                leaf = stored[place]
            for node, hash in self.growth.add(leaf):
                if node not in stored:
                    self.faults.append(f"node {node.position} of level {node.level} is missing")
                elif stored[node] != hash:
                    self.faults.append(
                        f"node {node.position} of level {node.level} is not the hash of its children"
                    )
            self._note_root()
        return True

    def _note_root(self) -> None:
        if self.growth.size in self.wanted:
            self.roots[self.growth.size] = self.growth.root()


def _completed(start: int, end: int) -> ColumnElement[bool]:
    """Which nodes are completed by the leaves from `start` up to `end`: one index range on every level."""
    return or_(
        *(
            and_(nodes.c.level == level, nodes.c.position >= start >> level, nodes.c.position < end >> level)
            for level in range(end.bit_length())
            if start >> level < end >> level
        )
    )
