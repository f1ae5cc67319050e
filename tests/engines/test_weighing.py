"""Units weighed as arrays, or by SQL, all at once or some at a time: the same integers.
And a unit is never two units."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pyarrow as pa
import pytest

from sandbox.engines import duckdb, rows_in_memory, weighing, work
from sandbox.engines.rows_in_memory import RowsInMemory, whole_units
from sandbox.queries import Plan, bind, make_plan, parse
from sandbox.queries.types.scope import PublicTable, Scope
from story import DATASET, VERSION

STOPS = pa.table({"stop": pa.array([1, 2, 3, 4], pa.int64()), "zone": ["x", "y", None, "x"]})
PUBLIC = replace(
    VERSION,
    dataset="city.stops",
    policy=replace(
        DATASET,
        dataset="city.stops",
        unit=None,
        budget=None,
        columns=(
            replace(DATASET.columns[5], name="stop", type=DATASET.columns[2].type),
            replace(DATASET.columns[5], name="zone"),
        ),
    ),
)
QUESTIONS = (
    (
        "SELECT district, AVG(cost) AS a, COUNT(*) AS b, COUNT(cost) AS c, SUM(visits) AS d "
        "FROM clinic.visits WHERE year >= 2 "
        "GROUP BY 1"
    ),
    "SELECT MEDIAN(visits) AS a, SUM(cost) AS b FROM clinic.visits WHERE visits IN (1, 2, 5) OR cost > 50",
    (
        "SELECT zone, COUNT(*) AS a, AVG(cost) AS b FROM clinic.visits "
        "JOIN city.stops AS s ON visits = s.stop GROUP BY zone"
    ),
    (
        "SELECT zone, year, SUM(cost) AS a FROM clinic.visits LEFT "
        "JOIN city.stops AS s ON visits = s.stop WHERE smoker "
        "GROUP BY zone, year"
    ),
    "SELECT year, COUNT(DISTINCT person) AS a FROM clinic.visits WHERE cost < 30 GROUP BY year",
    "SELECT AVG(s) AS a FROM (SELECT person, SUM(cost) AS s FROM clinic.visits GROUP BY person)",
)


def made(rows: int) -> pa.Table:
    chance = Random(rows)
    table = [
        (
            f"p{int(chance.paretovariate(0.8)) % 60:02}",
            chance.choice(["north", "south", "west", None]),
            chance.randint(0, 4),
            chance.choice([None, chance.uniform(-10, 120)]),
            chance.randint(-1, 11),
            chance.choice([True, False, None]),
        )
        for _ in range(rows)
    ]
    columns = [list(column) for column in zip(*sorted(table, key=lambda row: row[0]), strict=True)]
    return pa.table(
        {
            "person": columns[0],
            "district": columns[1],
            "year": pa.array(columns[2], pa.int64()),
            "cost": pa.array(columns[3], pa.float64()),
            "visits": pa.array(columns[4], pa.int64()),
            "note": pa.nulls(rows, pa.string()),
            "day": pa.nulls(rows, pa.date32()),
            "smoker": columns[5],
        }
    )


def plan_of(sql: str) -> Plan:
    question = parse(sql)
    scope = Scope(
        DATASET,
        {
            join.dataset: PublicTable(PUBLIC, lambda *_: ("x", "y"), lambda _: True, join.outer)
            for join in question.joins
        },
    )
    return make_plan(bind(question, scope), VERSION, scope)


@pytest.mark.parametrize("sql", QUESTIONS)
def test_every_way_to_weigh_gives_the_same_integers(sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(sql)
    rows = RowsInMemory(made(3000).to_batches(max_chunksize=700), DATASET)
    joined: Sequence[pa.Table] = [STOPS] if plan.joins else []
    as_arrays = duckdb.totals_of(plan, rows, joined)
    for most in (0, 2**26):  # by cell alone, and by row wherever rows are few
        monkeypatch.setattr(weighing, "MOST_ROWS_BY_ROW", most)
        assert duckdb.totals_of(plan, rows, joined) == as_arrays
    monkeypatch.setattr(weighing, "ROWS_AT_ONCE", 250)
    in_parts = duckdb.totals_of(plan, rows, joined)
    monkeypatch.setattr(work, "fits_weighing", lambda *_, **__: False)
    by_sql = duckdb.totals_of(plan, rows, joined)
    monkeypatch.setattr(work, "ROWS_SUMMED_AT_ONCE", 400)
    assert as_arrays == in_parts == by_sql == duckdb.totals_of(plan, rows, joined)
    assert any(cell for cells in as_arrays.values() for cell in cells)


def test_a_unit_whose_rows_come_in_several_batches_is_one_unit() -> None:
    table = made(500)
    parts = list(whole_units(table.to_batches(max_chunksize=7), "person"))
    assert pa.concat_tables(parts).equals(table)
    seen = [set(part["person"].to_pylist()) for part in parts]
    assert sum(map(len, seen)) == len(set().union(*seen))
    rows = RowsInMemory(table.to_batches(max_chunksize=7), DATASET)
    assert (rows.count, rows.units) == (500, len(set().union(*seen)))


def test_rows_that_are_not_sorted_by_unit_are_not_loaded() -> None:
    table = made(500)
    batches = pa.concat_tables([table, table]).combine_chunks().to_batches(max_chunksize=400)
    with pytest.raises(ValueError, match="sorted by unit"):
        rows_in_memory.RowsInMemory(batches, DATASET)
