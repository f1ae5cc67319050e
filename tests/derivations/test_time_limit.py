"""A derivation that computes for too long is interrupted."""

import pyarrow as pa
import pytest

from sandbox.derivations.compute import InputRows, compute
from sandbox.derivations.relation import Relation
from sandbox.errors import Unavailable

ENDLESS = "SELECT sum(a.range * b.range) AS person FROM range(10000000) AS a, range(10000000) AS b"


def test_it_is_interrupted_at_its_limit_and_the_next_one_runs() -> None:
    def relation(sql: str) -> Relation:
        return Relation(sql, "person", (), 1, True, frozenset(), frozenset())

    people = pa.table({"person": ["a"]})
    rows = {"t": InputRows("person", people.schema, lambda: iter(people.to_batches()))}
    with pytest.raises(Unavailable) as failed:
        list(compute(relation(ENDLESS), rows, seconds=0.05).batches)
    assert failed.value.code == "derivation_failed"
    assert [len(batch) for batch in compute(relation("SELECT person FROM t"), rows).batches] == [1]
