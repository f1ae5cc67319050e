"""Steps of a batch's receipt lead from every leaf to the root, and from nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.audit.batch_receipts import Step, root_of, step_of
from sandbox.audit.note import NotProven
from sandbox.audit.tree import EMPTY_ROOT, hash_leaf


@given(st.integers(1, 60), st.data())
def test_each_leaf_leads_to_the_root_and_no_other_does(size: int, data: st.DataObject) -> None:
    leaves = [hash_leaf(str(number).encode()) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    step = step_of(leaves, index)
    assert step.root(leaves[index]) == root_of(leaves)
    assert step.root(hashlib.sha256(b"other").digest()) != root_of(leaves)


def test_a_proof_of_another_length_proves_nothing() -> None:
    step = step_of([hash_leaf(b"a"), hash_leaf(b"b")], 0)
    for wrong in (Step(0, 2, ()), Step(0, 1, step.proof), Step(2, 2, step.proof), Step(-1, 2, step.proof)):
        with pytest.raises(NotProven):
            wrong.root(hash_leaf(b"a"))
    assert root_of([]) == EMPTY_ROOT
