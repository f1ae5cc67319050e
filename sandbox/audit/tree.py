"""The Merkle tree of RFC 6962, section 2.1: hashes make any change of the log visible. Pure.

A *span* is a range of leaves [start, end) whose hash a proof needs. A *node* (level, position) is a complete
subtree; every span is made of at most log2(n) nodes, so proofs are read from stored nodes
without touching leaves.
"""

import hashlib
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    level: int
    position: int


class Span(NamedTuple):
    start: int
    end: int


def hash_leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def frontier(size: int) -> list[Node]:
    """The largest complete subtrees of a tree of `size` leaves, from left to right."""
    return nodes_of(Span(0, size))


def nodes_of(span: Span) -> list[Node]:
    """The complete subtrees that make up a span, from left to right."""
    found, start = [], span.start
    while start < span.end:
        level = (span.end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        found.append(Node(level, start >> level))
        start += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of a span from the hashes of its nodes, left to right."""
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: hash_node(left, right), reversed(hashes[:-1]), hashes[-1])


class Growth:
    """A tree that grows leaf by leaf, holding only its frontier."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(
                f"a tree of {size} leaves has {size.bit_count()} frontier hashes, not {len(self.hashes)}"
            )

    def add(self, leaf_hash: bytes) -> list[tuple[Node, bytes]]:
        """Add a leaf; give every node that it completes, the leaf's own first."""
        completed, place = [(Node(0, self.size), leaf_hash)], self.size
        while place & 1:
            leaf_hash, place = hash_node(self.hashes.pop(), leaf_hash), place >> 1
            completed.append((Node(len(completed), place), leaf_hash))
        self.hashes.append(leaf_hash)
        self.size += 1
        return completed

    def root(self) -> bytes:
        return fold(self.hashes)


def split(size: int) -> int:
    """The largest power of two smaller than `size` (which is at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The spans whose hashes prove that leaf `index` is in the tree of `size` leaves (PATH of RFC 6962,
    2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    spans, start, end = [], 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """The spans whose hashes prove that the tree of `second` leaves began as the tree of `first`
    (PROOF of RFC 6962, 2.1.2)."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} leaves is no beginning of one of {second}")
    if first == second:
        return []
    if first == 0:
        raise ValueError("every tree begins as the empty one: there is nothing to prove")
    spans, start, end, whole = [], 0, second, True
    while end != first:
        middle = start + split(end - start)
        if first <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start, whole = middle, False
    if not whole:
        spans.append(Span(start, end))
    return spans[::-1]


def inclusion_faults(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> str:
    """Why the proof does not show that the leaf stands at `index` in the tree with that root;
    empty if it does."""
    if not 0 <= index < size:
        return f"there is no entry {index} in a tree of {size}"
    spans = inclusion_spans(index, size)
    if len(proof) != len(spans):
        return f"the inclusion proof has {len(proof)} hashes where {len(spans)} are needed"
    found = leaf_hash
    for span, sibling in zip(spans, proof, strict=True):
        found = hash_node(found, sibling) if span.start > index else hash_node(sibling, found)
    return "" if found == root else "the inclusion proof leads to another root"


def consistency_faults(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> str:
    """Why the proof does not show that the second tree began as the first; empty if it does."""
    if not 0 <= first <= second:
        return f"a tree of {first} leaves is no beginning of one of {second}"
    if first == 0 < second:
        return "every tree begins as the empty one, so that proves nothing"
    spans = consistency_spans(first, second)
    if len(proof) != len(spans):
        return f"the consistency proof has {len(proof)} hashes where {len(spans)} are needed"
    if first == second:
        return "" if first_root == second_root else "two roots are given for one size"
    # If the first tree is one complete subtree of the second, its root is the proof's unwritten first hash.
    known = list(zip(spans, proof, strict=True))
    if spans[0].start == first:
        known = [(Span(0, first), first_root), *known]
    (span, old), rest = known[0], known[1:]
    new = old
    for other, sibling in rest:
        if other.start >= span.end:
            new, span = hash_node(new, sibling), Span(span.start, other.end)
        else:
            old, new, span = hash_node(sibling, old), hash_node(sibling, new), Span(other.start, span.end)
    if old != first_root:
        return "the consistency proof leads to another first root"
    return "" if new == second_root else "the consistency proof leads to another second root"
