"""Each step treats each unit by itself: without a unit, the others' rows are what they were (docs/adr/0036).

A dataset's budget rests on it: adding or removing one person changes that person's rows of the stored table,
and no other row.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaned_files import CLEANER, policy_of
from sandbox.catalog.cleaning_steps import written_columns
from sandbox.catalog.model import DatasetPolicy
from sandbox.errors import InvalidInput
from sandbox.ingest import IdRule
from sandbox.ingest.identifiers import normalise
from sandbox.ingest.spool import InMemoryOverflow, Spool

COLUMNS: dict[str, dict[str, Any]] = {
    "word": {"role": "attribute", "type": "text"},
    "whole": {"role": "attribute", "type": "integer"},
    "day": {"role": "attribute", "type": "date"},
    "made": {"role": "attribute", "type": "text"},
    "sum": {"role": "attribute", "type": "number", "unfit": "empty"},
    "number": {"role": "attribute", "type": "number", "unfit": "drop"},
    "flag": {"role": "attribute", "type": "boolean"},
}
OF_COLUMNS = [
    {"trim": ["word", "person"]},
    {"case": "lower", "columns": ["word", "person"]},
    {"map": "word", "values": {"a": "b", "B": None}, "others": "empty"},
    {"map": "word", "values": {"a": "b", "b": "a"}, "others": "drop"},
    {"fill": "word", "with": "filled"},
    {"fill": "whole", "with": 3},
    {"limit": "whole", "low": 0, "high": 5},
    {"truncate": "word", "characters": 1},
    {"generalise": "day", "to": "quarter"},
    {"drop_rows": "whole > 4 OR word = 'b'"},
    {"drop_rows": "LENGTH(person) = 2 AND day IS NULL"},
    {"deduplicate": ["person", "word"]},
    {"deduplicate": ["person"], "keep": "last"},
    {"deduplicate": ["person", "whole", "day"], "keep": "last"},
    {"pseudonym": "person"},
    {"pseudonym": "word", "shared_as": "words"},
]
MAKING = [
    [{"generalise": "whole", "bands": [0, 3], "into": "made"}],
    [{"derive": "made", "as": "word || '-' || person"}],
    [{"derive": "sum", "as": "whole * 1000 / (whole - 2)"}, {"limit": "sum", "high": 100}],
    [{"derive": "flag", "as": "day > '2024-02-28' AND word LIKE '%a%'"}],
    [{"parse": "word", "into": "number"}],
]
CELLS = {
    "person": st.sampled_from(["p", "P ", "q", "ｑ", "r", " s", "qq"]),
    "word": st.sampled_from([None, "a", " a", "B", "b ", "1", "1.5", "男"]),
    "whole": st.sampled_from([None, -(2**53), -1, 0, 2, 3, 5, 2**53]),
    "day": st.sampled_from([None, date.min, date(2024, 2, 29), date(2024, 3, 1), date.max]),
}
TYPES = {"person": pa.string(), "word": pa.string(), "whole": pa.int64(), "day": pa.date32()}


@st.composite
def step_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    steps = list(draw(st.lists(st.sampled_from(OF_COLUMNS), max_size=5)))
    for making in draw(st.lists(st.sampled_from(MAKING), max_size=2, unique_by=str)):
        made = {step.get("into", step.get("derive")) for step in steps}
        if not {step.get("into", step.get("derive")) for step in making} & made - {None}:
            at = draw(st.integers(0, len(steps)))
            steps[at:at] = making
    return steps


def policy_with(steps: list[dict[str, Any]]) -> DatasetPolicy:
    """The columns of the file, and those that the steps make."""
    made = {step.get("into", step.get("derive")) for step in steps}
    columns = {name: spec for name, spec in COLUMNS.items() if name in CELLS or name in made}
    return policy_of(columns, steps)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=14),
    steps=step_lists(),
    ids=st.sampled_from(list(IdRule)),
)
def test_without_a_unit_the_rows_of_all_others_are_the_same(
    rows: list[dict[str, Any]], steps: list[dict[str, Any]], ids: IdRule
) -> None:
    policy = policy_with(steps)
    table = pa.Table.from_pylist(rows, pa.schema(list(TYPES.items())))
    if ids is IdRule.NORMALISED:
        table = table.set_column(0, "person", normalise(table.column("person").combine_chunks()))
    every = cleaned(table, policy, ids).to_pylist()
    assert every == cleaned(table, policy, ids, rows_at_once=len(table)).to_pylist()
    units = _units_of(table, policy, ids)
    for unit in sorted(set(units))[:3]:
        others = table.filter(pa.array([other != unit for other in units]))
        without = cleaned(others, policy, ids).to_pylist()
        assert without == [row for row in every if row["person"] != unit], unit


def cleaned(table: pa.Table, policy: DatasetPolicy, ids: IdRule, rows_at_once: int = 3) -> pa.Table:
    """In batches of so many rows: what comes of them may not depend on where one ends."""
    batches = iter(table.to_batches(max_chunksize=rows_at_once))
    spool = Spool(InMemoryOverflow())
    rows = CLEANER.clean(batches, policy, ids=ids, spool=spool)
    return pa.Table.from_batches(rows.batches, rows.schema)


def _units_of(table: pa.Table, policy: DatasetPolicy, ids: IdRule) -> list[str]:
    """Which unit each row of the file is of: what those steps make of its id that may change it."""
    of_ids = tuple(step for step in policy.steps if "person" in written_columns(step))
    columns = tuple(column for column in policy.columns if column.name in CELLS)
    alone = replace(policy, steps=of_ids, columns=columns)
    return list(cleaned(table, alone, ids).column("person").to_pylist())


@pytest.mark.parametrize("unit", ["row", "columns"])
def test_rows_of_several_people_are_never_compared(unit: str) -> None:
    columns = {"word": COLUMNS["word"], "day": COLUMNS["day"], "person": COLUMNS["word"]}
    steps = [{"deduplicate": ["word", "person"]}]
    said: dict[str, Any] = (
        {"row_is_unit": True, "kind": "person"}
        if unit == "row"
        else {"columns": ["word", "day"], "kind": "person", "max_rows": 2}
    )
    with pytest.raises(InvalidInput, match="two people" if unit == "row" else "several people") as refusal:
        policy_of(columns, steps, unit=said)
    assert refusal.value.remedy
