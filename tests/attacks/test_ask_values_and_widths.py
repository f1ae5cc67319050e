"""What one row's value could do to everybody's answer: make it fail, or make it late.

Both are oracles of one bit a question (A. Haeberlen, B. C. Pierce, A. Narayan, "Differential Privacy Under
Fire", USENIX Security 2011, sections 3.2 and 3.3: state and timing attacks). Each attack is shown to succeed
without the defence.
"""

from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest

from extreme_values import POLICY, SCOPE, VERSION, extreme_rows, extreme_table
from sandbox.engines.duckdb import totals_of
from sandbox.engines.rows_in_memory import RowsInMemory
from sandbox.errors import QueryRefused
from sandbox.queries import Plan, bind, make_plan, parse
from sandbox.queries.compile.totals import TABLE
from sandbox.queries.expression_sql import ExpressionWriter
from sandbox.queries.functions.construct import SqlWriter
from sandbox.queries.functions.registry import BY_NODE
from sandbox.queries.tree import DateTrunc, Grain, Replace, walk
from sandbox.queries.types.width_limits import MOST_MADE


def planned(sql: str) -> Plan:
    return make_plan(bind(parse(sql), SCOPE), VERSION, SCOPE)


def rows_with(day: int) -> RowsInMemory:
    """A thousand persons, one of whom has a day that few programs can tell."""
    some = extreme_rows().slice(0, 1)
    many = pa.concat_tables([some] * 1000)
    many = many.set_column(0, "person", pa.array([f"p{place:04}" for place in range(1000)]))
    days = pa.array([day, *[20_000] * 999], pa.int32()).cast(pa.date32())
    many = many.set_column(many.schema.get_field_index("day"), "day", days)
    return RowsInMemory(many.combine_chunks().to_batches(), POLICY)


def guarded_before(node: DateTrunc, sql: SqlWriter) -> str:
    """DATE_TRUNC as it was: a guard before the call."""
    at = sql.value(node.of)
    within = f"{at} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
    return f"CASE WHEN {within} THEN CAST(date_trunc('{node.grain.value}', {at}) AS DATE) END"


MONTHS = "SELECT COUNT(*) AS n FROM t.t WHERE DATE_TRUNC('month', day) = DATE '2024-10-01'"


def test_one_persons_date_does_not_make_everybodys_question_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source: Haeberlen et al. 2011, section 3.2: a query that fails where one person is there."""
    plan = planned(MONTHS)
    present, absent = rows_with(2**31 - 2), rows_with(20_000)
    [[with_them]], [[without]] = (list(totals_of(plan, rows, []).values()) for rows in (present, absent))
    assert without - with_them == 1024  # that person's own row, and all others'
    key = (DateTrunc, Grain.MONTH)
    monkeypatch.setitem(BY_NODE, key, replace(BY_NODE[key], sql=guarded_before))
    with pytest.raises(duckdb.Error):
        totals_of(planned(MONTHS), present, [])
    assert totals_of(planned(MONTHS), absent, [])


LETTERS = "C" * 100
GROWN = "ward"
for _ in range(4):
    GROWN = f"REPLACE({GROWN}, 'C', '{LETTERS}')"
EIGHT = " OR ".join(f"LENGTH({GROWN}) = {place}" for place in range(8))
EXPENSIVE = f"SELECT COUNT(*) AS n FROM t.t WHERE CASE WHEN ward = 'W' THEN {EIGHT} ELSE FALSE END"


def test_one_persons_text_cannot_be_made_to_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source: Haeberlen et al. 2011, section 3.3: a query that takes long where one person is there."""
    with pytest.raises(QueryRefused) as refusal:
        planned(EXPENSIVE)
    assert refusal.value.position is not None
    # without the bound it is asked, and a row's one letter becomes a million at the third of its four levels
    for limit in ("WIDEST", "MOST_MADE"):
        monkeypatch.setattr(f"sandbox.queries.types.width_limits.{limit}", 2**62)
    levels = {node: None for node in walk(planned(EXPENSIVE).where) if isinstance(node, Replace)}
    third = ExpressionWriter(SCOPE).value(list(levels)[1])
    with extreme_table().cursor() as connection:
        found = connection.execute(
            f"SELECT max(strlen({third})) FROM {TABLE} AS r WHERE r.ward = 'C'"
        ).fetchone()
    assert found == (100**3,)
    assert found[0] > MOST_MADE
