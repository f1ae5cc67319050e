"""The machine twin of queries/weights.md: no unit moves the pre-noise integers by more than the plan claims.

Hypothesis makes tables, policies and questions; each unit is removed in turn, and the very
SQL that runs is run.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import duckdb
import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, seed, settings

from sandbox.catalog.locked_duckdb import SHUT
from sandbox.catalog.model import KeyValue, Version
from sandbox.catalog.policy_file import read_policy
from sandbox.engines import Cells
from sandbox.engines.duckdb import compute, totals_of, units_by_value
from sandbox.engines.rows_in_memory import PublicRows, RowsInMemory
from sandbox.engines.work import read_cells, totals_work
from sandbox.queries import Plan, bind, make_plan, parse
from sandbox.queries.compile.totals import TABLE, joined_table
from sandbox.queries.expression_sql import UNIT
from sandbox.queries.plan.bounds_estimation import buckets
from sandbox.queries.plan.cost import rows_kept
from sandbox.queries.plan.partition_selection import weight_of_each
from sandbox.queries.tree import Expression, Name
from sandbox.queries.types.scope import BoundsEstimation, PrivateTable, PublicTable, Scope
from sandbox.queries.weights import WEIGHT
from story import POLICIES

COLUMNS = ("person", "district", "year", "cost", "visits", "note", "smoker")

POLICY = """
dataset: t.t
title: {{zh: t, en: t}}
summary: {{zh: t, en: t}}
department: health
grade: "3"
source: {{name: n, licence: l}}
about_rows: 100
population: residents
unit: {{column: person, kind: person, max_rows: {max_rows}}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}}
columns:
  person: {{role: unit, type: text}}
  district: {{role: key, type: text, values: [north, south]}}
  year: {{role: key, type: integer, values: {{from: 1, to: 3}}}}
  cost: {{role: measure, type: number, bounds: [{low}, {high}], step: "0.5"}}
  visits: {{role: measure, type: integer, bounds: [-3, 10], step: "1"}}
  note: {{role: attribute, type: text}}
  smoker: {{role: attribute, type: boolean}}
"""

STOPS = """
dataset: public.stops
title: {zh: t, en: t}
summary: {zh: t, en: t}
department: market
grade: "1"
source: {name: n, licence: l}
about_rows: 6
columns:
  stop: {role: attribute, type: integer}
  zone: {role: attribute, type: text}
"""
STOPS_ROWS = pa.table(
    {"stop": pa.array([1, 1, 1, 2, 3, None], pa.int64()), "zone": ["x", "y", "y", "x", None, "z"]}
)

WORK = """
dataset: t.work
title: {zh: t, en: t}
summary: {zh: t, en: t}
department: market
grade: "3"
source: {name: n, licence: l}
about_rows: 10
population: residents
unit: {column: worker, kind: person, max_rows: 2}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}
columns:
  worker: {role: unit, type: text}
  trade: {role: key, type: text, values: [shop, farm]}
  wage: {role: measure, type: integer, bounds: [-5, 9], step: "1"}
"""

numbers = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-100, 100),
    st.sampled_from([0.1, 0.25, -0.25, 1e308, -1e308, 5e-324]),
)
rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]),
        st.sampled_from([None, "north", "south", "west", "nörth"]),
        st.sampled_from([None, 0, 1, 2, 3, 2**62]),
        numbers,
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-20, 20)),
        st.sampled_from([None, "", "%", "it's", "x" * 50]),
        st.sampled_from([None, True, False]),
    ),
    min_size=6,
    max_size=30,
)
PREDICATES = (
    "",
    "WHERE cost > 1.5",
    "WHERE NOT (cost BETWEEN -1 AND 1 OR note LIKE '%''%')",
    "WHERE smoker",
    "WHERE NOT smoker",
    "WHERE visits IN (1, 2, 3) OR year = 2",
    "WHERE cost IS NULL",
    "WHERE note IS NOT NULL AND visits < cost",
    "WHERE district <> 'north' AND year >= 2",
    "WHERE visits <= -9223372036854",
    "WHERE cost / visits > 0.5",
    "WHERE CASE WHEN smoker THEN cost > visits ELSE note = '%' END",
    "WHERE LENGTH(note) > 2 AND UPPER(district) = 'NORTH'",
    "WHERE COALESCE(cost, visits, 0) * 2 - 1 < 5 OR (smoker IS TRUE)",
    "WHERE LEAST(cost, visits) % 2 = 1",
    "WHERE cost BETWEEN -1 AND 1.25 AND visits > 2",
    "WHERE visits = 3 AND cost + 1 > 0",
    "WHERE visits >= 4 AND visits < 4",
    "WHERE CONCAT(note, year) LIKE '%2' OR REPLACE(note, 'it', '') = '' OR STRPOS(note, 's') = 4",
    "WHERE year < 3 AND district IN ('north', 'nörth')",
    (
        "WHERE cost / (visits * 1e-30) BETWEEN 0 AND 5 "
        "AND CONCAT(CAST(ROUND(cost / (visits * 1e-30)) AS INTEGER), 'x') <> '3x'"
    ),
)
KEYS = (
    "",
    "district",
    "year",
    "district, year",
    "year, district",
    "FLOOR(cost)",
    "CASE WHEN cost > 0 THEN 'a' WHEN smoker THEN 'b' ELSE 'c' END",
    "smoker",
    "smoker IS TRUE, year + 1",
    "LEAST(visits, 2)",
    "UPPER(district)",
    "visits > cost",
    "note, district",
    "visits",
    "CAST(cost * 1.5 AS INTEGER)",
    "ROUND(cost / 4)",
    "CONCAT(district, '-', year)",
    "RIGHT(district, 2), STRPOS(district, 'o')",
)
FOUND: dict[Expression, tuple[KeyValue, ...]] = {
    Name("note"): ("", "%", "it's"),
    Name("visits"): tuple(range(-60, 60)),
}
DISCOVERIES = (
    "note",
    "UPPER(note)",
    "SUBSTRING(note, 1, 1)",
    "LTRIM(note)",
    "visits",
    "COALESCE(note, district)",
    "CASE WHEN smoker THEN note ELSE 'no' END",
)
AGGREGATES = (
    (
        "COUNT(*) AS a, COUNT(cost) AS b, COUNT(DISTINCT person) FILTER (WHERE visits > 2) AS c, "
        "SUM(cost) AS d, AVG(cost) AS e, SUM(visits) AS f, AVG(visits) AS g"
    ),
    "COUNT(DISTINCT note) AS a, COUNT(DISTINCT visits) AS b, COUNT(DISTINCT cost * 2) AS c",
    "MEDIAN(cost) AS a, MAX(visits) AS b, QUANTILE_CONT(cost * visits, 0.9) AS c",
    "STDDEV(cost) AS a, CORR(cost, visits) AS b, REGR_SLOPE(visits, cost) AS c",
    (
        "SUM(cost * visits) AS a, AVG(cost - visits) AS b, SUM(ABS(cost)) AS c, SUM(CASE WHEN smoker THEN "
        "cost ELSE visits END) AS d"
    ),
    (
        "SUM(GREATEST(LEAST(cost / visits, 5), -5)) AS a, AVG(GREATEST(LEAST(LENGTH(note), 9), 0)) AS b, "
        "SUM(SQRT(ABS(cost))) AS c, SUM(CAST(cost AS INTEGER)) AS d, SUM(ROUND(cost * 1.5)) AS e"
    ),
    (
        "SUM(COALESCE(cost, visits)) AS a, AVG(NULLIF(visits, 1)) AS b, SUM(visits // 2) AS c, "
        "SUM(ROUND(cost) % 3) AS d, COUNT_IF(smoker) AS e"
    ),
    "SUM(LN(GREATEST(cost, 1) + 1)) AS a, SUM(EXP(LEAST(visits, 3))) AS b, SUM(POWER(cost, 3)) AS c, "
    "SUM(visits) FILTER (WHERE smoker) AS d",
    (
        "COUNT(DISTINCT CONCAT(district, year, note)) AS a, SUM(smoker) AS b, "
        "SUM(SIN(cost) * COS(visits)) AS c, REGR_SXY(cost, visits) AS d, AVG(GREATEST(LEAST(STRPOS(note, "
        "'s'), 5), 0)) AS e, SUM(POWER(cost, 2)) AS f"
    ),
)
# a unit's rows aggregated first: of what, and what is asked of it
PER_UNIT = (
    ("person, SUM(cost) AS s, COUNT(*) AS n", "", "AVG(s) AS a, SUM(n) AS b, MEDIAN(s) AS c, COUNT(*) AS d"),
    (
        "person, district, AVG(visits) AS m, MAX(cost) AS x",
        "WHERE m > 0",
        "SUM(x) AS a, COUNT(DISTINCT person) AS b, AVG(m) AS c",
    ),
    (
        "person, year, MIN(cost) AS x, COUNT(DISTINCT note) AS k",
        "",
        "SUM(LEAST(k, 2)) AS a, SUM(x) AS b, COUNT(DISTINCT year) AS c",
    ),
    (
        "person, SUM(visits) AS s, AVG(cost) AS m",
        "WHERE s > 3 OR m IS NULL",
        "SUM(GREATEST(LEAST(s, 50), -50)) AS a, STDDEV(m) AS b",
    ),
)

OWN_PREDICATES = (
    "WHERE year > 0",
    "WHERE cost > 1.5",
    "WHERE NOT smoker",
    "WHERE visits IN (1, 2, 3) OR year = 2",
    "WHERE note IS NOT NULL AND visits < cost",
    "WHERE district <> 'north' AND year >= 2",
)
OWN = (  # what all rows of a unit say, beside each of them
    (
        "SELECT district, COUNT(*) AS a, SUM(cost) AS b FROM t.t WHERE person IN (SELECT person "
        "FROM t.t {}) GROUP BY district"
    ),
    (
        "SELECT COUNT(*) AS a, SUM(visits) AS b FROM t.t WHERE NOT person IN (SELECT person FROM t.t {} "
        "GROUP BY person HAVING COUNT(*) > 2 OR SUM(cost) > 9)"
    ),
    (
        "SELECT t.year, SUM(g.s) AS a, AVG(visits - g.m) AS b, COUNT(DISTINCT person) AS c FROM t.t "
        "JOIN (SELECT person, SUM(cost) AS s, AVG(visits) AS m, COUNT(*) AS n FROM t.t {} "
        "GROUP BY person) AS g USING (person) WHERE g.n > 1 GROUP BY t.year"
    ),
    (
        "SELECT SUM(g.s) AS a, COUNT(g.x) AS b FROM t.t LEFT "
        "JOIN (SELECT person, SUM(visits) AS s, MAX(cost) AS x FROM t.t {} "
        "GROUP BY person) AS g ON t.person = g.person"
    ),
    (
        "SELECT SUM(a.s) AS a, AVG(b.x) AS b, COUNT(*) AS c FROM (SELECT person, SUM(cost) AS s "
        "FROM t.t GROUP BY person) AS a "
        "JOIN (SELECT person, MIN(visits) AS x FROM t.t {} "
        "GROUP BY person) AS b ON a.person = b.person WHERE a.s < 70"
    ),
    (
        "SELECT smoker, SUM(n) AS a, AVG(d) AS b, MEDIAN(d) AS c "
        "FROM (SELECT smoker, COUNT(note) OVER (PARTITION BY person) AS n, "
        "visits - SUM(cost) OVER (PARTITION BY person) AS d FROM t.t {}) GROUP BY smoker"
    ),
)


@st.composite
def questions(draw: st.DrawFn) -> str:
    predicate = draw(st.sampled_from(PREDICATES))
    if draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from(OWN)).format(draw(st.sampled_from(OWN_PREDICATES)))
    if draw(st.integers(0, 3)) == 0:
        inner, condition, asked = draw(st.sampled_from(PER_UNIT))
        by = ", ".join(name for name in inner.split(", ") if " " not in name)
        return f"SELECT {asked} FROM (SELECT {inner} FROM t.t {predicate} GROUP BY {by}) {condition}"
    keys = draw(st.sampled_from(KEYS))
    many = keys in ("FLOOR(cost)", "visits", "CAST(cost * 1.5 AS INTEGER)")  # too many cells for a quantile
    asked = draw(st.sampled_from([one for one in AGGREGATES if not many or "MEDIAN" not in one]))
    if draw(st.integers(0, 4)) == 0:  # with a public table, whose rows may multiply a unit's
        how = draw(st.sampled_from(["JOIN", "LEFT JOIN"]))
        asked = AGGREGATES[0] + ", SUM(s.stop) AS h, AVG(s.stop * visits) AS i"
        zone = draw(st.sampled_from(["", ", s.zone"])) if keys else ""
        joined = f"t.t {how} public.stops AS s ON visits = s.stop {predicate}"
        return (
            f"SELECT {asked.replace('COUNT(*)', 'COUNT(s.zone)')} "
            f"FROM {joined}{f' GROUP BY {keys}{zone}' if keys else ''}"
        )
    return f"SELECT {asked} FROM t.t {predicate}{f' GROUP BY {keys}' if keys else ''}"


@lru_cache
def version_of(max_rows: int, bounds: tuple[int, int]) -> Version:
    policy = read_policy(
        POLICY.format(max_rows=max_rows, low=bounds[0], high=bounds[1]),
        schema=POLICIES / "dataset.schema.json",
    )
    return Version("t.t", 1, policy, "o", "v", "s", "x", datetime(2026, 1, 1, tzinfo=UTC))


@lru_cache
def stops() -> PublicTable:
    policy = read_policy(STOPS, schema=POLICIES / "dataset.schema.json")
    version = Version("public.stops", 1, policy, "o", "v", "s", "x", datetime(2026, 1, 1, tzinfo=UTC))
    public = PublicRows(STOPS_ROWS)
    return PublicTable(version, public.values, public.once, extent=public.extent)


@lru_cache
def work() -> Version:
    policy = read_policy(WORK, schema=POLICIES / "dataset.schema.json")
    return Version("t.work", 1, policy, "o", "v", "s", "x", datetime(2026, 1, 1, tzinfo=UTC))


workers = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "x", "y"]),
        st.sampled_from([None, "shop", "farm", "mine"]),
        st.one_of(st.none(), st.integers(-9, 20)),
    ),
    min_size=1,
    max_size=20,
)
TWO = "t.t AS a {} t.work AS b ON a.person = b.worker"
JOINED = (
    f"SELECT COUNT(*) AS a, SUM(wage) AS b, AVG(cost) AS c, COUNT(DISTINCT b.worker) AS d FROM {TWO}",
    (
        "SELECT trade, district, COUNT(wage) AS a, SUM(visits) AS b "
        f"FROM {TWO} AND a.visits = b.wage GROUP BY 1, 2"
    ),
    f"SELECT MEDIAN(wage) AS a, COUNT(DISTINCT wage) AS b, SUM(cost * wage) AS c FROM {TWO} WHERE cost > 1",
    (
        "SELECT AVG(w) AS a, SUM(GREATEST(LEAST(c, 9), 0)) AS b "
        f"FROM (SELECT person, AVG(wage) AS w, SUM(visits) AS c, COUNT(*) AS n FROM {TWO} "
        "GROUP BY person) WHERE n > 2"
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows,
    workers,
    st.integers(1, 6),
    st.sampled_from(JOINED),
    st.sampled_from(["JOIN", "LEFT JOIN"]),
    st.integers(0, 9),
)
def test_no_unit_of_two_datasets_that_are_joined_moves_a_total_by_more_than_the_plan_claims(
    content: list[tuple[object, ...]],
    jobs: list[tuple[object, ...]],
    max_rows: int,
    sql: str,
    how: str,
    who: int,
) -> None:
    """A unit is taken out of both at once."""
    names = pa.table(
        [
            pa.array([job[place] for job in jobs], type=kind)
            for place, kind in enumerate([pa.string(), pa.string(), pa.int64()])
        ],
        names=["worker", "trade", "wage"],
    ).sort_by("worker")
    check_joined(content, version_of(max_rows, (-2, 5)), sql.format(how), who, work(), names)


AGAIN = "t.t AS a {} t.t AS b ON a.person = b.person"
WITH_ITSELF = (
    (
        "SELECT COUNT(*) AS a, SUM(b.visits - a.visits) AS b, AVG(b.cost) AS c, COUNT(DISTINCT "
        f"a.person) AS d FROM {AGAIN}"
    ),
    (
        "SELECT a.district, b.year, COUNT(b.note) AS a, SUM(a.visits) AS b "
        f"FROM {AGAIN} AND a.year = b.visits GROUP BY 1, 2"
    ),
    (
        "SELECT MEDIAN(a.cost) AS a, COUNT(DISTINCT b.visits) AS b, SUM(b.cost * a.visits) AS c "
        f"FROM {AGAIN} AND b.smoker "
        "WHERE a.cost > 1"
    ),
    (
        "SELECT x.smoker, COUNT(*) AS a, SUM(y.half) AS b FROM (SELECT person, smoker FROM t.t "
        "WHERE year > 1) AS x {} (SELECT person, cost / 2 AS half FROM t.t "
        "WHERE visits < 9) AS y ON x.person = y.person GROUP BY 1"
    ),
    (
        "SELECT AVG(w) AS a, SUM(GREATEST(LEAST(c, 9), 0)) AS b "
        "FROM (SELECT a.person, AVG(b.cost) AS w, SUM(a.visits) AS c "
        f"FROM {AGAIN} GROUP BY a.person)"
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows,
    st.integers(1, 6),
    st.sampled_from(WITH_ITSELF),
    st.sampled_from(["JOIN", "LEFT JOIN"]),
    st.integers(0, 9),
)
def test_no_unit_of_a_dataset_that_is_joined_with_itself_moves_a_total_by_more_than_the_plan_claims(
    content: list[tuple[object, ...]], max_rows: int, sql: str, how: str, who: int
) -> None:
    version = version_of(max_rows, (-2, 5))
    check_joined(content, version, sql.format(how), who, version)


def check_joined(
    content: list[tuple[object, ...]],
    version: Version,
    sql: str,
    who: int,
    other: Version,
    others: pa.Table | None = None,
) -> None:
    """With the rows of another private dataset, or (None) its own: a unit is taken out of both.

    Both tables are made anew without it, which takes a while: so only of the first unit, whose absence gives
    all others another place, and of the one at `who`.
    """
    question = parse(sql)
    scope = Scope(version.policy, {join.name: PrivateTable(other, join.outer) for join in question.joins})
    plan = make_plan(bind(question, scope), version, scope)
    table = table_of(content, plan)
    theirs = table if others is None else others
    unit, their_unit = "person", "person" if others is None else "worker"

    def totals(first: pa.Table, second: pa.Table) -> Cells:
        """As if these rows alone had ever been published: units have other codes then."""
        rows = RowsInMemory(first.to_batches(), version.policy)
        beside = RowsInMemory(second.to_batches(), other.policy).beside(rows, other.policy)
        rows.bounded(rows_kept(version.policy.unit.max_rows))  # as the engine does before a join on the unit
        return totals_of(plan, rows, [beside])

    with pytest.MonkeyPatch.context() as patch:
        # so few that units in these small tables have more
        patch.setattr("sandbox.queries.plan.cost.LEAST_KEPT", 1)
        whole = totals(table, theirs)
        names = sorted({row[0] for row in content} | set(theirs[their_unit].to_pylist()))
        for name in {names[0], names[who % len(names)]}:
            rest = totals(
                table.filter(pc.not_equal(table[unit], name)),
                theirs.filter(pc.not_equal(theirs[their_unit], name)),
            )
            compare(plan, whole, rest)


@lru_cache(maxsize=20_000)
def plan_for(max_rows: int, bounds: tuple[int, int], sql: str) -> Plan:
    version = version_of(max_rows, bounds)
    question = parse(sql)
    scope = Scope(
        version.policy, {join.name: replace(stops(), outer=join.outer) for join in question.joins}, FOUND
    )
    return make_plan(bind(question, scope), version, scope)


def table_of(content: list[tuple[object, ...]], plan: Plan) -> pa.Table:
    """As a version's rows come: sorted by unit.
    With values, too, that only a version of an earlier release can hold."""
    types = [pa.string(), pa.string(), pa.int64(), pa.float64(), pa.int64(), pa.string(), pa.bool_()]
    columns = [
        pa.array([row[place] for row in content], type=kind, from_pandas=False)
        for place, kind in enumerate(types)
    ]
    return pa.table(columns, names=list(COLUMNS)).sort_by("person")


def check(content: list[tuple[object, ...]], plan: Plan) -> None:
    """Every unit in turn is taken out of the table, as if it had never been published."""
    table = table_of(content, plan)
    public = [STOPS_ROWS] if plan.joins else []
    whole = compute(plan, table, public)
    for unit in {row[0] for row in content}:
        rest = compute(plan, table.filter(pc.not_equal(table["person"], unit)), public)
        compare(plan, whole, rest)


def check_in_place(content: list[tuple[object, ...]], plan: Plan) -> None:
    """The same, many times as fast: the statements are those that run, and each is planned once."""
    rows = RowsInMemory(table_of(content, plan).to_batches(), plan.version.policy)
    public = [STOPS_ROWS] if plan.joins else []
    work = totals_work(plan, count=rows.count, units=rows.units)
    without = without_each(rows)
    next(without)
    with rows.cursor() as connection:
        for place, table in enumerate(public):
            connection.register(joined_table(place), table)
        planned = PlannedOnce(connection)
        whole = read_cells(plan, work.perform(planned))
        for unit in without:
            rest = read_cells(plan, work.perform(planned))
            compare(plan, whole, rest)
            TRIED.append(unit)
            if len(TRIED) % 20 == 0:
                assert rest == totals_of(plan, rows, public), "planned anew it is the same"


class PlannedOnce:
    """A connection on which a statement that comes again is not planned again.

    What DuckDB knows of a table when it plans (its least and greatest values) stays true of a table that lost
    some of its rows. A table that is made later would make DuckDB plan all of them again, each time.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.names: dict[str, str] = {}

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        if sql not in self.names:
            self.names[sql] = f"statement_{len(self.names)}"
            self.connection.execute(f"PREPARE {self.names[sql]} AS {sql}")
        return self.connection.execute(f"EXECUTE {self.names[sql]}")


def without_each(rows: RowsInMemory) -> Iterator[int | None]:
    """First None, for the whole table; then each unit in turn: its rows are taken out of the table as it lies
    in memory, and put back."""
    with rows.cursor() as connection:
        connection.execute(f"CREATE TABLE everybody AS FROM {TABLE}")
        yield None
        for unit in range(rows.units):
            connection.execute(f"DELETE FROM {TABLE} WHERE {UNIT} = {unit}")
            yield unit
            connection.execute(f"INSERT INTO {TABLE} FROM everybody WHERE {UNIT} = {unit}")


def compare(plan: Plan, whole: Cells, rest: Cells) -> None:
    for total in plan.totals:
        moved = [abs(a - b) for a, b in zip(whole[total], rest[total], strict=True)]
        assert sum(step * step for step in moved) <= total.sensitivity**2, total.name  # L2, and so Linf


def cases(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def given_so(test: Callable[..., None]) -> Callable[..., None]:
        return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))(
            given(rows, st.integers(1, 6), st.sampled_from([(-2, 5), (0, 100), (-100, -50)]), questions())(
                test
            )
        )

    return given_so


@cases(60)
def test_no_unit_moves_a_total_by_more_than_the_plan_claims(
    content: list[tuple[object, ...]], max_rows: int, bounds: tuple[int, int], sql: str
) -> None:
    check(content, plan_for(max_rows, bounds, sql))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one only waits: the tables have thirty rows."""
    monkeypatch.setattr("sandbox.engines.rows_in_memory.SHUT", SHUT | {"threads": "1"})


TRIED: list[int | None] = []
SHARDS = 4  # each may run in another worker
QUESTIONS = int(os.environ.get("CIHU_SENSITIVITY_CASES", "2000")) // 5 // SHARDS  # each with some six units


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_unit_moves_a_total_by_more_than_the_plan_claims_in_thousands_of_cases(shard: int) -> None:
    """A case is a table, a policy, a question and the unit that is taken out.
    `make audit-sensitivity` tries a million."""
    TRIED.clear()

    @seed(shard)
    @cases(QUESTIONS)
    def tried(content: list[tuple[object, ...]], max_rows: int, bounds: tuple[int, int], sql: str) -> None:
        check_in_place(content, plan_for(max_rows, bounds, sql))

    tried()
    assert len(TRIED) >= 5 * QUESTIONS


@settings(max_examples=75, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows, st.sampled_from([1, 2, 5, 256]), st.sampled_from(DISCOVERIES), st.sampled_from(["0", "a7"]))
def test_no_unit_changes_the_weights_of_a_keys_values_by_more_than_the_claim(
    content: list[tuple[object, ...]], most: int, key: str, choice: str
) -> None:
    """What the threshold's loss and delta rest on: L2 at most WEIGHT,
    and each of k values moves by at most w(k).

    A unit is taken out as if it had never been published: units' codes are other ones then.
    """
    plan = found_nothing(1, key)
    table = table_of(content, plan)

    def weights(table: pa.Table) -> dict[KeyValue, int]:
        laid = RowsInMemory(table.sort_by("person").to_batches(), plan.version.policy)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sandbox.queries.compile.totals.MOST_VALUES", most)
            return units_by_value(plan.unknown[0], plan.version.policy, laid, choice=choice)

    whole = weights(table)
    for unit in {row[0] for row in content}:
        rest = weights(table.filter(pc.not_equal(table["person"], unit)))
        moved = [
            step for value in whole.keys() | rest.keys() if (step := whole.get(value, 0) - rest.get(value, 0))
        ]
        assert len(moved) <= most and all(0 < step <= weight_of_each(len(moved)) for step in moved)
        assert sum(step * step for step in moved) <= plan.unknown[0].sensitivity ** 2


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows, st.sampled_from([("cost", False), ("visits", True)]))
def test_no_unit_changes_the_weights_of_a_columns_sizes_by_more_than_the_claim(
    content: list[tuple[object, ...]], column: tuple[str, bool]
) -> None:
    """What bought bounds rest on; and every number there is falls into a bucket."""
    one, policy = BoundsEstimation(Name(column[0]), whole=column[1]), version_of(3, (0, 100)).policy
    table = table_of(content, plan_for(3, (0, 100), f"SELECT {AGGREGATES[0]} FROM t.t"))
    laid = RowsInMemory(table.to_batches(), policy)
    without = without_each(laid)
    next(without)
    whole = units_by_value(one, policy, laid, choice="0")
    assert set(whole) <= set(buckets(one)) and (whole or not table[column[0]].drop_null())
    for _ in without:
        rest = units_by_value(one, policy, laid, choice="0")
        moved = [abs(whole.get(place, 0) - rest.get(place, 0)) for place in buckets(one)]
        assert sum(step * step for step in moved) <= one.sensitivity**2


def test_which_values_of_a_unit_count_is_no_preference_that_all_units_share() -> None:
    """Two hundred persons with the same twelve values each, of which two count:
    every value is had by somebody.

    A value that nobody draws has a chance of 12 * (10/12)**200 = 2e-15; one that more than 80
    draw, of less than 1e-12.
    """
    plan = found_nothing(1, "note")
    content = [
        (f"p{person}", "north", 1, 1.0, 1, f"n{value}", True) for person in range(200) for value in range(12)
    ]
    laid = RowsInMemory(table_of(content, plan).sort_by("person").to_batches(), plan.version.policy)
    drawn = []
    for choice in ("1", "2"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sandbox.queries.compile.totals.MOST_VALUES", 2)
            drawn.append(units_by_value(plan.unknown[0], plan.version.policy, laid, choice=choice))
    for weights in drawn:
        assert len(weights) == 12 and sum(weights.values()) == 400 * weight_of_each(2)
        assert max(weights.values()) <= 80 * weight_of_each(2)
    assert drawn[0] != drawn[1], "another key, another choice"
    counted = plan_for(2, (0, 100), "SELECT COUNT(DISTINCT note) AS n FROM t.t")
    [cells] = totals_of(counted, laid, []).values()
    assert cells == [12 * WEIGHT]


def found_nothing(max_rows: int, key: str) -> Plan:
    version = version_of(max_rows, (0, 100))
    return make_plan(
        bind(parse(f"SELECT {key} AS k, COUNT(*) FROM t.t GROUP BY {key}"), Scope(version.policy)), version
    )


def test_the_claim_is_tight_so_that_the_test_can_see() -> None:
    """A unit with exactly max_rows rows at the bound moves the sum by its whole sensitivity."""
    plan = plan_for(2, (0, 100), f"SELECT {AGGREGATES[0]} FROM t.t")
    content: list[tuple[object, ...]] = [("a", "north", 1, 1e9, 10, "", True)] * 2
    totals = compute(plan, table_of(content, plan))
    assert all(
        abs(totals[total][0]) == total.sensitivity
        for total in plan.totals
        if total.kind in ("rows", "sum") and total.name != "sum:visits"
    )


def test_a_missing_clamp_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the bug: without weights a heavy unit exceeds the claim, and the check fails."""
    plan = plan_for(1, (0, 100), f"SELECT {AGGREGATES[0]} FROM t.t")
    monkeypatch.setattr("sandbox.queries.weights.WEIGHT", 1024 * 10)
    content: list[tuple[object, ...]] = [("a", "north", 1, 1e9, 10, "", True)] * 3
    with pytest.raises(AssertionError):
        check(content, plan)
