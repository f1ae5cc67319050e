"""Inputs are read side by side: each unit is in one span with all its rows, also of a version whose rows were
never sorted."""

import io
from typing import Any

import pyarrow as pa

from derived_people import KNOWN
from sandbox.catalog.publish import to_parquet
from sandbox.derivations.compute import InputRows, _by_unit, _spans_of_units
from sandbox.ingest import StoredRows


def test_each_unit_is_in_one_span_with_all_its_rows() -> None:
    def rows(units: str) -> InputRows:
        table = pa.table({"u": list(units), "n": list(range(len(units)))})
        return InputRows("u", table.schema, lambda: iter(table.to_batches(max_chunksize=2)))

    inputs = {"a": rows("aaaaabcddddddz"), "b": rows("bbey"), "c": rows("")}
    spans = list(_spans_of_units(inputs))
    for name, each in inputs.items():
        taken = [unit for span in spans for unit in span[name].column("u").to_pylist()]
        assert taken == [unit for batch in each.batches() for unit in batch.column("u").to_pylist()]
    held: list[set[Any]] = [
        {unit for table in span.values() for unit in table.column("u").to_pylist()} for span in spans
    ]
    assert len(spans) > 3 and sum(map(len, held)) == len(set().union(*held))


def test_a_version_that_was_never_sorted_is_sorted_first() -> None:
    policy = KNOWN["clinic.visits"].policy
    table = pa.table({"person": ["c", "a", "b", "a"], "year": [1, 2, 3, 4]})
    body = to_parquet(table)
    rows = _by_unit(StoredRows(lambda: io.BytesIO(body), 0), table.schema, "person", policy)
    read = pa.Table.from_batches(rows.batches(), rows.schema)
    assert read.to_pydict() == {"person": ["a", "a", "b", "c"], "year": [2, 4, 3, 1]}
