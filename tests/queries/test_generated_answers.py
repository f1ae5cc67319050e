"""The language means what SQL means, or refuses: generated questions over small tables with empty values.

Each is run by DuckDB as it is written, and through parse, bind, plan, compile and estimate with every
noise scale at nothing.
"""

import random
from collections import Counter
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from generated_numbers import Numbers
from generated_questions import Questions
from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.engines.duckdb import totals_of
from sandbox.engines.rows_in_memory import PublicRows, RowsInMemory
from sandbox.errors import InvalidInput
from sandbox.queries import Plan, bind, make_plan
from sandbox.queries.tree import InPublic, Question, walk
from sandbox.queries.types.scope import PrivateTable, PublicTable, Scope
from sandbox.releases.answer.answer_table import table
from sandbox.releases.prepare import read_question
from story import POLICIES

SEEDS, QUESTIONS_A_SEED = 8, 150
NESTED = 150
NUMBERS = 400
DATES = 150
LEAST_ANSWERED = 0.5
"""A language that refuses everything would agree everywhere."""

BORDERS = (
    "1999-12-31",
    "2000-01-01",
    "2000-02-29",
    "2020-12-31",
    "2021-01-01",
    "2021-01-03",
    "2021-01-04",
    "2024-02-29",
    "2024-03-31",
    "2024-12-30",
    "1969-12-31",
    "1970-01-01",
    "1900-02-28",
)
"""Ends of years, quarters, months and ISO weeks, leap days, and both sides of 1970."""
HOURS = ("00:00:00", "23:59:59", "00:59:59", "01:00:00", "12:30:00")

PRIVATE = """
dataset: t.{name}
title: {{zh: t, en: t}}
summary: {{zh: t, en: t}}
department: health
grade: "3"
source: {{name: n, licence: l}}
about_rows: 200
population: residents
unit: {{column: {unit}, kind: person, max_rows: 10000}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}}
columns:
  {unit}: {{role: unit, type: text}}
{columns}"""
OPEN = """
dataset: city.{name}
title: {{zh: t, en: t}}
summary: {{zh: t, en: t}}
department: market
grade: "1"
source: {{name: n, licence: l}}
about_rows: 20
columns:
{columns}"""
COLUMNS = {
    "t.t": """  district: {role: key, type: text, values: [north, south, east]}
  year: {role: key, type: integer, values: {from: 1, to: 3}}
  stop: {role: key, type: integer, values: {from: 0, to: 9}}
  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}
  visits: {role: measure, type: integer, bounds: [0, 10], step: "1", required: true}
  balance: {role: measure, type: integer, bounds: [-5, 5], step: "1"}
  note: {role: attribute, type: text}
  smoker: {role: attribute, type: boolean}
  born: {role: attribute, type: date}
  seen: {role: attribute, type: timestamp}
  serial: {role: attribute, type: integer}
""",
    "t.jobs": """  trade: {role: key, type: text, values: [shop, farm]}
  year: {role: key, type: integer, values: {from: 1, to: 3}}
  wage: {role: measure, type: integer, bounds: [0, 20], step: "1"}
""",
    "city.stops": """  stop: {role: attribute, type: integer}
  zone: {role: attribute, type: text}
  shelters: {role: attribute, type: integer}
""",
    "city.zones": """  zone: {role: attribute, type: text}
  area: {role: attribute, type: text}
  rank: {role: attribute, type: integer}
""",
}


@lru_cache
def versions() -> dict[str, Version]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    texts = {
        name: (PRIVATE if name.startswith("t.") else OPEN).format(
            name=name.partition(".")[2], unit={"t.t": "person", "t.jobs": "worker"}.get(name), columns=columns
        )
        for name, columns in COLUMNS.items()
    }
    return {
        name: Version(
            name, 1, read_policy(text, schema=POLICIES / "dataset.schema.json"), "o", "v", "s", "x", at
        )
        for name, text in texts.items()
    }


@lru_cache
def rows() -> dict[str, pa.Table]:
    """Small, with empty values in every column that may have them:
    keys, what is joined on, and open tables too."""
    chance = random.Random(11)

    def maybe(value: object) -> Any:
        return None if chance.random() < 0.2 else value

    people = [
        [
            f"p{chance.randint(0, 29)}",
            maybe(chance.choice(["north", "south", "east"])),
            maybe(chance.randint(1, 3)),
            maybe(chance.randint(0, 9)),
            maybe(chance.randint(0, 24) / 2),
            chance.randint(0, 10),
            maybe(chance.randint(-5, 5)),
            maybe(chance.choice(["a", "Bb", "née", ""])),
            maybe(chance.random() < 0.5),
            None if place % 9 == 0 else date.fromisoformat(BORDERS[place % len(BORDERS)]),
            None
            if place % 7 == 0
            else datetime.fromisoformat(f"{BORDERS[place % len(BORDERS)]}T{HOURS[place % len(HOURS)]}"),
            None if place % 11 == 0 else 2**60 + place % 7,
        ]
        for place in range(120)
    ]
    jobs = [
        [
            f"p{chance.randint(15, 44)}",
            maybe(chance.choice(["shop", "farm"])),
            maybe(chance.randint(1, 3)),
            maybe(chance.randint(0, 20)),
        ]
        for _ in range(40)
    ]
    stops = [
        [maybe(chance.randint(0, 12)), maybe(chance.choice(["z1", "z2", "z3"])), maybe(chance.randint(0, 4))]
        for _ in range(14)
    ]
    zones = [
        ["z1", "inner", 1],
        ["z2", None, 2],
        ["z4", "outer", None],
        [None, "inner", 3],
        ["z1", "outer", 4],
    ]
    text, whole, point, truth = pa.string(), pa.int64(), pa.float64(), pa.bool_()
    day, moment = pa.date32(), pa.timestamp("us")
    return {
        name: pa.table(
            [pa.array([row[place] for row in data], type=kind) for place, kind in enumerate(kinds)],
            names=names,
        )
        for name, data, kinds, names in (
            (
                "t.t",
                people,
                [text, text, whole, whole, point, whole, whole, text, truth, day, moment, whole],
                [
                    *("person", "district", "year", "stop", "cost", "visits", "balance", "note", "smoker"),
                    *("born", "seen", "serial"),
                ],
            ),
            ("t.jobs", jobs, [text, text, whole, whole], ["worker", "trade", "year", "wage"]),
            ("city.stops", stops, [whole, text, whole], ["stop", "zone", "shelters"]),
            ("city.zones", zones, [text, text, whole], ["zone", "area", "rank"]),
        )
    }


@lru_cache
def in_memory(dataset: str) -> RowsInMemory:
    policy = versions()[dataset].policy
    assert policy.unit is not None
    return RowsInMemory(rows()[dataset].sort_by(policy.unit.column).to_batches(), policy)


@lru_cache
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for schema in ("t", "city"):
        connection.execute(f"CREATE SCHEMA {schema}")
    for name, content in rows().items():
        connection.register("content", content)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM content")
    return connection


def scope_of(question: Question) -> Scope:
    def public(dataset: str, *, outer: bool = False) -> PublicTable:
        its = PublicRows(rows()[dataset])
        return PublicTable(
            versions()[dataset],
            its.values,
            its.once,
            outer,
            its.extent,
            fan_out=its.fan_out,
            has_empty=its.has_empty,
        )

    joined = {
        join.name: public(join.dataset, outer=join.outer)
        if join.dataset.startswith("city.")
        else PrivateTable(versions()[join.dataset], join.outer)
        for join in question.joins
    }
    looked_up = {node.column.dataset for node in walk(question) if isinstance(node, InPublic)}
    if any(dataset.startswith("t.") for dataset in looked_up):
        raise InvalidInput("as prepare refuses it", remedy="-", zh="-", remedy_zh="-")
    return Scope(
        versions()[question.dataset].policy,
        joined,
        looked_up={dataset: public(dataset) for dataset in looked_up},
    )


def planned(sql: str) -> Plan:
    question = read_question(sql, version_of=lambda dataset: versions()[dataset])
    scope = scope_of(question)
    return make_plan(bind(question, scope), versions()[question.dataset], scope)


def answered(plan: Plan) -> list[tuple[Any, ...]]:
    first = in_memory(plan.version.dataset)
    tables = [
        rows()[joined.version.dataset]
        if isinstance(joined, PublicTable)
        else in_memory(joined.version.dataset).beside(first, joined.version.policy)
        for joined in plan.scope.joined.values()
    ]
    exact = totals_of(plan, first, tables)
    return [
        tuple(row)
        for row in table(plan, {total.name: (1e-9, cells) for total, cells in exact.items()})["rows"]
    ]


def difference(sql: str, keys: int, *, near: float = 2e-5) -> str | None:
    """What differs between the two answers, if anything: by more than the grid on which sums are made.
    Raises `InvalidInput` where the question is refused."""
    plan = planned(sql)
    if plan.unknown:
        return None
    ours, plain = answered(plan), [tuple(row) for row in engine().execute(sql).fetchall()]
    if keys:  # groups that no row has are shown too, and a group of empty keys is none
        mine = {row[:keys]: row[keys:] for row in ours}
        theirs = {row[:keys]: row[keys:] for row in plain if None not in row[:keys]}
        if missing := theirs.keys() - mine.keys():
            return f"{missing} are missing"
        pairs = [(mine[key], theirs[key]) for key in theirs]
        for key in mine.keys() - theirs.keys():
            if any(value for value in mine[key] if isinstance(value, int | float)):
                return f"{key} has {mine[key]}, and no rows"
    else:
        if len(ours) != len(plain):
            return f"{len(ours)} rows, not {len(plain)}"
        pairs = list(zip(ours, plain, strict=True))
    for one, other in pairs:
        for value, wanted in zip(one, other, strict=True):
            # a sum of nothing is empty to SQL, and here 0 with its error: how many rows there
            # are is not told exactly
            if wanted is None and value in (None, 0, pytest.approx(0, abs=1e-6)):
                continue
            if (
                wanted is None
                or value is None
                or value != pytest.approx(float(wanted), rel=near, abs=10 * near)
            ):
                return f"{one}, not {other}"
    return None


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_generated_question_is_answered_as_sql_means_it_or_refused_with_a_remedy(seed: int) -> None:
    questions, outcomes, wrong = Questions(seed), Counter[str](), []
    for _ in range(QUESTIONS_A_SEED):
        sql, keys = questions.question()
        try:
            found = difference(sql, keys)
            outcomes["answered"] += 1
        except InvalidInput as refusal:
            found = (
                None
                if refusal.remedy and refusal.zh and refusal.remedy_zh
                else "refused without a remedy in both languages"
            )
            outcomes["refused"] += 1
        wrong += [f"{sql}\n  {found}"] if found else []
    assert not wrong, "\n".join(wrong)
    assert outcomes["answered"] >= LEAST_ANSWERED * QUESTIONS_A_SEED, outcomes


def test_numbers_made_of_numbers_are_empty_where_sql_says_so() -> None:
    questions, answered, wrong = Questions(1), 0, []
    for _ in range(NESTED):
        source = questions.table("t.t")
        number = questions.nested([source])
        sql = f"SELECT COUNT({number}), AVG({number}), SUM({number}) FROM t.t AS {source.alias}"
        try:
            found = difference(sql, 0)
        except InvalidInput:
            continue
        answered += 1
        wrong += [f"{sql}\n  {found}"] if found else []
    assert not wrong, "\n".join(wrong)
    assert answered >= LEAST_ANSWERED * NESTED


def texts_of(number: str) -> list[str]:
    try:
        return [row[0] for row in engine().execute(f"SELECT {number} || '' FROM t.t").fetchall() if row[0]]
    except duckdb.Error:
        return []


def has_no_answer(sql: str) -> bool:
    """Whether DuckDB itself has none: a decimal too wide, a number too large, not a number."""
    try:
        rows = engine().execute(sql).fetchall()
    except duckdb.Error:
        return True
    return any(value is not None and not abs(float(value)) < 1e300 for row in rows for value in row)


def test_numbers_mean_what_they_mean_to_duckdb_or_are_refused_with_a_remedy() -> None:
    """Decimal constants, casts, roundings, // and %, of whole numbers, decimals and DOUBLEs."""
    numbers, outcomes, wrong = Numbers(5, texts_of), Counter[str](), []
    for _ in range(NUMBERS):
        sql = numbers.question()
        if has_no_answer(sql):
            continue
        try:
            found = difference(sql, 0, near=1e-3)
            outcomes["answered"] += 1
        except InvalidInput as refusal:
            found = None if refusal.remedy and refusal.remedy_zh else "refused without a remedy"
            outcomes["refused"] += 1
        wrong += [f"{sql}\n  {found}"] if found else []
    assert not wrong, f"{len(wrong)} of {outcomes}\n" + "\n".join(wrong)
    assert outcomes["answered"] >= LEAST_ANSWERED * outcomes.total(), outcomes


class Dates:
    """Conditions on dates and times, and numbers made of them, from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def moment(self, depth: int = 0) -> str:
        column = self.chance.choice(("born", "seen"))
        if depth > 1 or self.chance.random() < 0.4:
            return column
        inner = self.moment(depth + 1)
        return self.chance.choice(
            (
                f"DATE_TRUNC('{self.chance.choice(('year', 'quarter', 'month', 'week', 'day'))}', {inner})",
                f"COALESCE({inner}, {self.written()})",
                f"CASE WHEN visits > 5 THEN {inner} END",
                f"CAST({inner} AS DATE)",
            )
        )

    def written(self) -> str:
        day = self.chance.choice(BORDERS)
        return self.chance.choice((f"DATE '{day}'", f"TIMESTAMP '{day} {self.chance.choice(HOURS)}'"))

    def number(self) -> str:
        parts = ("year", "quarter", "month", "day", "dow", "isodow", "week", "doy")
        part = self.chance.choice(parts)
        return self.chance.choice(
            (
                f"EXTRACT({part} FROM {self.moment()})",
                f"DATE_PART('{part}', {self.moment()})",
                f"YEAR({self.moment()})",
                f"DATE_DIFF('{self.chance.choice(('day', 'month', 'year', 'week', 'quarter'))}', "
                f"CAST({self.moment()} AS DATE), {self.moment()})",
            )
        )

    def condition(self) -> str:
        sign = self.chance.choice(("=", "<>", "<", "<=", ">", ">="))
        return self.chance.choice(
            (
                f"{self.moment()} {sign} {self.written()}",
                f"{self.written()} {sign} {self.moment()}",
                f"{self.moment()} {sign} {self.moment()}",
                f"{self.moment()} BETWEEN {self.written()} AND {self.written()}",
                f"{self.moment()} IN ({self.written()}, {self.written()})",
                f"{self.moment()} IS DISTINCT FROM {self.written()}",
                f"({self.moment()} {sign} {self.written()}) IS NULL",
                f"{self.number()} {sign} {self.chance.choice((1, 2, 12, 31, 53, 366, 2000, 2021))}",
            )
        )

    def question(self) -> str:
        number = self.number()
        of = self.chance.choice(("COUNT(*)", f"COUNT({number})", f"COUNT(DISTINCT {self.moment()})"))
        return f"SELECT {of} FROM t.t WHERE {self.chance.choice(('', 'NOT '))}({self.condition()})"


def test_dates_mean_what_they_mean_to_duckdb_or_are_refused_with_a_remedy() -> None:
    """Comparisons and functions of dates and times at the borders of years, weeks and months."""
    dates, outcomes, wrong = Dates(3), Counter[str](), []
    for _ in range(DATES):
        sql = dates.question()
        try:
            found = difference(sql, 0)
            outcomes["answered"] += 1
        except InvalidInput as refusal:
            found = None if refusal.remedy and refusal.remedy_zh else "refused without a remedy"
            outcomes["refused"] += 1
        wrong += [f"{sql}\n  {found}"] if found else []
    assert not wrong, f"{len(wrong)} of {outcomes}\n" + "\n".join(wrong)
    assert outcomes["answered"] >= LEAST_ANSWERED * DATES, outcomes


@pytest.mark.parametrize(
    "of", ["COUNT({})", "SUM(LEAST(GREATEST({}, -9), 9))", "COUNT(*) FILTER (WHERE {} > 1)"]
)
@pytest.mark.parametrize("divided", ["visits", "cost", "balance + 0.5"])
@pytest.mark.parametrize("by", ["balance", "(year - 2)", "(balance * 0.5)"])
def test_a_division_by_zero_is_empty(of: str, divided: str, by: str) -> None:
    """DuckDB gives an infinity. NULLIF says there what is meant here."""
    plan = planned(f"SELECT {of.format(f'({divided}) / {by}')} FROM t.t")
    plain = f"SELECT {of.format(f'({divided}) / NULLIF({by}, 0)')} FROM t.t"
    assert answered(plan)[0][0] == pytest.approx(float(engine().execute(plain).fetchall()[0][0]), rel=1e-3)


@pytest.mark.parametrize(
    "key",
    [
        "serial",
        "COALESCE(serial, 0)",
        "CASE WHEN visits > 3 THEN serial ELSE 7 END",
        "COALESCE(serial, visits)",
    ],
)
@pytest.mark.parametrize(
    "of",
    ["COUNT(*)", "COUNT(w)", "COUNT(DISTINCT w)", "SUM(n)", "COUNT(DISTINCT CASE WHEN n > 1 THEN w END)"],
)
def test_large_whole_numbers_stay_apart_where_each_units_rows_are_grouped(key: str, of: str) -> None:
    """As DOUBLE, 2**60 and 2**60 + 1 would be one."""
    source = f"(SELECT person, {key} AS w, COUNT(*) AS n FROM t.t GROUP BY person, {key})"
    assert difference(f"SELECT {of} FROM {source}", 0) is None


@pytest.mark.parametrize("written", ["FLOAT", "REAL"])
def test_a_number_of_32_bits_is_refused_and_its_remedy_is_taken(written: str) -> None:
    sql = "SELECT AVG(CAST(cost AS {})) FROM t.t"
    with pytest.raises(InvalidInput) as refusal:
        difference(sql.format(written), 0)
    assert "CAST(x AS DOUBLE)" in str(refusal.value.remedy)
    assert difference(sql.format("DOUBLE"), 0) is None


UNLISTED = "'', 'x', 'North', 'nort', 'th', 'ast', 'heaste', 'north12', 'no', 'sss'"


def key_of_the_same_columns(chance: random.Random) -> str:
    text, whole = chance.choice(("district", "UPPER(district)", "district || year")), chance.randint(2, 4)
    return chance.choice(
        (
            text,
            f"{chance.choice(('LEFT', 'RIGHT'))}({text}, {chance.randint(1, 3)})",
            f"LENGTH({text})",
            f"REPLACE({text}, 'o', '')",
            f"COALESCE({text}, 'none')",
            "year",
            f"year % {chance.randint(2, 3)}",
            f"year > {chance.randint(1, 2)}",
            f"FLOOR(stop / {whole})",
            f"stop // {whole}",
            f"CAST(stop * 0.{whole} AS INTEGER)",
            f"visits > {3 * whole - 4}",
            f"visits NOT BETWEEN {whole} AND {2 * whole}",
            f"cost <= {10 * whole}",
            f"cost IN (10, {10 * whole}.5)",
            f"CASE WHEN visits < {whole} THEN 'rare' WHEN cost > 20 THEN 'dear' ELSE 'often' END",
            f"note < '{'abc'[whole - 2]}'",
            f"CASE WHEN stop < {2 * whole} THEN 'few' WHEN year = 2 THEN {text} ELSE 'many' END",
        )
    )


def test_groups_by_keys_of_the_same_columns_are_those_that_can_occur() -> None:
    """All that occur in a table of every combination of the columns' values, and no others.

    Of a text key that is no key itself, a row can have a value that the policy does not list: all of that
    occur are shown.
    """
    chance, restricted = random.Random(3), 0
    listed = {
        "district": "'north', 'south', 'east', NULL",
        "year": "1, 2, 3, NULL",
        "stop": "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, NULL",
        "visits": "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
        "cost": "5, 10, 15, 20, 20.5, 25, 30, 30.5, 35, 40, 40.5, 50, NULL",
        "note": "'', 'a', 'aa', 'b', 'bb', 'c', 'cc', NULL",
    }
    for _ in range(80):
        keys = list(dict.fromkeys(key_of_the_same_columns(chance) for _ in range(chance.randint(2, 3))))
        said = ", ".join(f"{key} AS k{place}" for place, key in enumerate(keys))
        unlisted = "district" in said and "district" not in keys
        values = listed | ({"district": f"{listed['district']}, {UNLISTED}"} if unlisted else {})
        used = [f"(SELECT unnest([{values[name]}]) AS {name})" for name in values if name in said]
        source = f"(SELECT * FROM {', '.join(used)}) AS q"
        by = ", ".join(f"k{place}" for place in range(len(keys)))
        plan = planned(f"SELECT {said}, COUNT(*) FROM t.t GROUP BY {by}")
        shown = {row[: len(keys)] for row in answered(plan)}
        occur = {
            row
            for row in engine().execute(f"SELECT DISTINCT {said} FROM {source}").fetchall()
            if all(value in key.values for value, key in zip(row, plan.keys, strict=True))
        }
        assert occur <= shown and (unlisted or shown == occur), (said, shown ^ occur)
        restricted += len(shown) < plan.cells
    assert restricted > 20


@pytest.mark.parametrize(
    "condition", ["stop IN (1, NULL, 2)", "stop NOT IN (1, NULL)", "district IN ('east', NULL)"]
)
@pytest.mark.parametrize("around", ["{}", "NOT ({})", "({}) IS NULL", "COALESCE({}, TRUE)"])
def test_an_empty_value_in_a_list_is_equal_to_nothing(condition: str, around: str) -> None:
    assert difference(f"SELECT COUNT(*) FROM t.t WHERE {around.format(condition)}", 0) is None
