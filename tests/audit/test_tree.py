"""The tree by its definition: every proof it gives verifies, and no flipped bit of any does."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.audit.tree import (
    Growth,
    Node,
    Span,
    consistency_faults,
    consistency_spans,
    fold,
    frontier,
    hash_leaf,
    hash_node,
    inclusion_faults,
    inclusion_spans,
    nodes_of,
)

LEAVES = [hash_leaf(str(number).encode()) for number in range(150)]


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word: the slow way that cannot be wrong."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hash_node(by_definition(leaves[:half]), by_definition(leaves[half:]))


def root(size: int) -> bytes:
    return by_definition(LEAVES[:size])


def hashes(spans: list[Span]) -> list[bytes]:
    return [by_definition(LEAVES[span.start : span.end]) for span in spans]


def flip(hash: bytes, bit: int) -> bytes:
    return (int.from_bytes(hash) ^ (1 << bit)).to_bytes(len(hash))


sizes = st.integers(1, len(LEAVES))
bits = st.integers(0, 255)


@given(sizes)
def test_growing_leaf_by_leaf_gives_the_root_of_the_definition_and_exactly_the_complete_nodes(
    size: int,
) -> None:
    growth = Growth()
    found = {node: hash for leaf in LEAVES[:size] for node, hash in growth.add(leaf)}
    assert growth.root() == root(size)
    assert len(found) == 2 * size - size.bit_count()
    for (level, place), hash in found.items():
        assert hash == by_definition(LEAVES[place << level : (place + 1) << level])
    assert Growth(size, [found[node] for node in frontier(size)]).root() == root(size)


@given(st.data(), sizes)
def test_every_inclusion_proof_verifies_and_no_flipped_bit_of_it_does(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    bit = data.draw(bits)
    spans = inclusion_spans(index, size)
    proof = hashes(spans)
    assert len(proof) <= (size - 1).bit_length()
    assert not inclusion_faults(LEAVES[index], index, size, proof, root(size))
    assert inclusion_faults(flip(LEAVES[index], bit), index, size, proof, root(size))
    assert inclusion_faults(LEAVES[index], index, size, proof, flip(root(size), bit))
    for place, hash in enumerate(proof):
        assert inclusion_faults(
            LEAVES[index], index, size, [*proof[:place], flip(hash, bit), *proof[place + 1 :]], root(size)
        )
    for other in set(range(size)) - {index}:
        assert inclusion_faults(LEAVES[index], other, size, proof, root(size))


@given(st.data(), sizes)
def test_every_consistency_proof_verifies_and_no_flipped_bit_of_it_does(
    data: st.DataObject, second: int
) -> None:
    first = data.draw(st.integers(1, second))
    bit = data.draw(bits)
    proof = hashes(consistency_spans(first, second))
    roots = root(first), root(second)
    assert len(proof) <= second.bit_length() + 1
    assert not consistency_faults(first, second, proof, *roots)
    assert consistency_faults(first, second, proof, flip(roots[0], bit), roots[1])
    assert consistency_faults(first, second, proof, roots[0], flip(roots[1], bit))
    for place, hash in enumerate(proof):
        assert consistency_faults(
            first, second, [*proof[:place], flip(hash, bit), *proof[place + 1 :]], *roots
        )
    for other in set(range(1, second + 1)) - {first}:
        assert consistency_faults(other, second, proof, *roots)


@given(st.data(), st.integers(0, 2**62))
def test_a_span_is_made_of_few_complete_nodes_that_cover_it_without_gap(
    data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, max(size - 1, 0)))
    for span in [Span(0, size), *(inclusion_spans(index, size) if size else [])]:
        covered = span.start
        for node in nodes_of(span):
            assert node.position << node.level == covered
            covered = (node.position + 1) << node.level
        assert covered == span.end
        assert len(nodes_of(span)) <= 62


def test_what_lies_outside_a_tree_has_no_proof() -> None:
    for index, size in [(0, 0), (3, 3), (-1, 3)]:
        with pytest.raises(ValueError, match="not in a tree"):
            inclusion_spans(index, size)
    for first, second in [(4, 3), (0, 3), (-1, 3)]:
        with pytest.raises(ValueError, match="tree"):
            consistency_spans(first, second)
    with pytest.raises(ValueError, match="frontier"):
        Growth(3, [LEAVES[0]])
    assert fold([]) == root(0)
    assert nodes_of(Span(5, 8)) == [Node(0, 5), Node(1, 3)]
