"""Verifies a receipt of one leaf among many that a single entry of the log stands for. Pure.

The entry's payload holds the root of a tree (`merkle_root`). A leaf leads there through one tree or several,
each the leaf of the next: its hash with the proof of step 1 gives a root, whose leaf hash with the proof of
step 2 gives the next, and the last is the root that the entry states.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.audit.note import NotProven, decode, encode
from sandbox.audit.receipts import VerifiedReceipt, verify_receipt
from sandbox.audit.tree import Growth, Node, Span, fold, hash_leaf, hash_node, inclusion_spans, nodes_of

FORMAT = "cihu-batch-receipt/1"
FIELDS = {"format", "leaf", "steps", "receipt"}
MERKLE_ROOT = "merkle_root"
MOST_STEPS = 8


@dataclass(frozen=True)
class Step:
    """A tree on the way: the leaf's place in it, its size, and the hashes beside the way up."""

    index: int
    size: int
    proof: tuple[bytes, ...]

    def root(self, leaf_hash: bytes) -> bytes:
        """The root to which this leaf leads. Raises `NotProven` if the proof has another length."""
        if not 0 <= self.index < self.size:
            raise NotProven(f"There is no leaf {self.index} in a tree of {self.size}.")
        spans = inclusion_spans(self.index, self.size)
        if len(spans) != len(self.proof):
            raise NotProven(f"A step has {len(self.proof)} hashes where {len(spans)} are needed.")
        found = leaf_hash
        for span, sibling in zip(spans, self.proof, strict=True):
            found = hash_node(found, sibling) if span.start > self.index else hash_node(sibling, found)
        return found

    def as_json(self) -> dict[str, object]:
        return {"index": self.index, "size": self.size, "proof": [encode(hash) for hash in self.proof]}


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root of the tree of these leaves (RFC 6962, 2.1)."""
    growth = Growth()
    for leaf_hash in leaf_hashes:
        growth.add(leaf_hash)
    return growth.root()


class BatchTree:
    """The tree of some leaves, made once for the steps of many of them."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self.size, self.nodes, growth = len(leaf_hashes), dict[Node, bytes](), Growth()
        for leaf_hash in leaf_hashes:
            self.nodes.update(growth.add(leaf_hash))

    def step(self, index: int) -> Step:
        """The step of leaf `index` through the tree."""
        return Step(index, self.size, tuple(map(self._hash_of, inclusion_spans(index, self.size))))

    def _hash_of(self, span: Span) -> bytes:
        return fold([self.nodes[node] for node in nodes_of(span)])


def step_of(leaf_hashes: Sequence[bytes], index: int) -> Step:
    """The step of leaf `index` through the tree of these leaves."""
    return BatchTree(leaf_hashes).step(index)


def batch_receipt(leaf: str, steps: Sequence[Step], receipt: Mapping[str, object]) -> dict[str, object]:
    """The document that `verify_batch_receipt` checks."""
    return {"format": FORMAT, "leaf": leaf, "steps": [step.as_json() for step in steps], "receipt": receipt}


def is_batch_receipt(document: object) -> bool:
    return isinstance(document, Mapping) and document.get("format") == FORMAT


def verify_batch_receipt(document: Mapping[str, object], public_key: str) -> VerifiedReceipt:
    """Check the way from the leaf to the log with the log's public key. Raises `NotProven`, saying what
    failed."""
    if set(document) != FIELDS or not isinstance(document["leaf"], str):
        raise NotProven(f"A receipt of a batch has exactly the fields {', '.join(sorted(FIELDS))}.")
    if not isinstance(document["receipt"], Mapping):
        raise NotProven("The receipt of the entry is missing.")
    proven = verify_receipt(document["receipt"], public_key)
    try:
        found = hash_leaf(document["leaf"].encode())
    except UnicodeEncodeError as error:
        raise NotProven("The leaf holds half a character, which UTF-8 cannot carry.") from error
    steps = [read_step(step) for step in read_steps(document["steps"])]
    for number, step in enumerate(steps):
        found = step.root(found if number == 0 else hash_leaf(found))
    if proven.payload is None or proven.payload.get(MERKLE_ROOT) != found.hex():
        raise NotProven("The leaf leads to another root than the entry states.")
    return proven


def read_steps(steps: object) -> list[object]:
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        raise NotProven(f"The steps are not a list of 1 to {MOST_STEPS}.")
    return steps


def read_step(step: object) -> Step:
    if not isinstance(step, Mapping) or set(step) != {"index", "size", "proof"}:
        raise NotProven("A step has exactly the fields index, proof, size.")
    index, size, proof = step["index"], step["size"], step["proof"]
    if type(index) is not int or type(size) is not int:
        raise NotProven("A step's index and size are whole numbers.")
    if not isinstance(proof, list) or not all(isinstance(hash, str) for hash in proof):
        raise NotProven("A step's proof is a list of hashes.")
    hashes = tuple(decode(hash, "A hash of a step", "步骤的一个散列值") for hash in proof)
    if any(len(hash) != 32 for hash in hashes):
        raise NotProven("A hash of a step is not a SHA-256 hash.")
    return Step(index, size, hashes)
