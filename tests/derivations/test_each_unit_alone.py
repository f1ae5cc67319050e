"""What a derivation makes of small random tables is what pandas makes of them, and each person's rows of the
result depend on that person's rows alone."""

from collections.abc import Callable
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derived_people import derived

PEOPLE = ("A", "B", "C", "D")
WIDEST = {
    "clinic.visits": pa.schema(
        {
            "person": pa.string(),
            "year": pa.int64(),
            "cost": pa.float64(),
            "ward": pa.string(),
            "day": pa.date32(),
            "diagnosis": pa.string(),
        }
    ),
    "bus.taps": pa.schema(
        {"person": pa.string(), "stop": pa.string(), "hour": pa.int64(), "fare": pa.float64()}
    ),
    "city.register": pa.schema({"person": pa.string(), "born": pa.int64(), "district": pa.string()}),
}
# halves: their sums are exact in any order, so that pandas' are the same
HALVES = st.integers(-40, 400).map(lambda number: number / 2)
VALUES = {
    "person": st.sampled_from(PEOPLE),
    "year": st.none() | st.integers(2018, 2031),
    "cost": st.none() | HALVES,
    "ward": st.none() | st.sampled_from(["a", "b", " B"]),
    "day": st.none() | st.dates(date(2020, 1, 1), date(2026, 12, 31)),
    "diagnosis": st.none(),
    "stop": st.none() | st.sampled_from(["x", "y", "z"]),
    "hour": st.none() | st.integers(0, 23),
    "fare": st.none() | HALVES,
    "born": st.none() | st.integers(1930, 2020),
    "district": st.none() | st.sampled_from(["north", "south"]),
}
Tables = dict[str, pa.Table]


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    found = {}
    for name, schema in WIDEST.items():
        columns = {column: VALUES[column] for column in schema.names}
        rows = draw(st.lists(st.fixed_dictionaries(columns), max_size=9))
        found[name] = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["person"])), schema=schema)
    return found


def frame(table: pa.Table) -> pd.DataFrame:
    return pd.DataFrame({name: table.column(name).to_pylist() for name in table.column_names}, dtype=object)


def first_by_values(of: pd.DataFrame) -> pd.DataFrame:
    """One row of each person: the first by all values, empty ones last."""
    rows = [
        min(
            group.itertuples(index=False),
            key=lambda row: [(value is None, value if value is not None else 0) for value in row],
        )
        for _, group in of.groupby("person")
    ]
    return pd.DataFrame(rows, columns=of.columns, dtype=object)


def visits_with_taps(of: Tables) -> list[tuple[object, ...]]:
    taps = frame(of["bus.taps"])
    taps = taps.loc[[hour is not None and hour >= 6 for hour in taps["hour"]]]
    found = []
    for row in frame(of["clinic.visits"]).itertuples(index=False):
        if row.cost is None or row.cost <= 3:
            continue
        own = taps[taps["person"] == row.person]
        fares = [fare for fare in own["fare"] if fare is not None]
        stops = {stop for stop in own["stop"] if stop is not None}
        there = len(own) > 0
        found.append(
            (
                row.person,
                row.year,
                len(own) if there else None,
                sum(fares) if fares else None,
                len(stops) if there else None,
                not there,
            )
        )
    return found


def one_row_each(of: Tables) -> list[tuple[object, ...]]:
    register = first_by_values(frame(of["city.register"]))
    found = []
    for person, own in frame(of["clinic.visits"]).groupby("person"):
        match = register[register["person"] == person]
        if not len(match):
            continue
        costs = [cost for cost in own["cost"] if cost is not None]
        days = [day for day in own["day"] if day is not None]
        if len(own) < 2:
            continue
        found.append(
            (
                person,
                len(own),
                sum(costs) / len(costs) if costs else None,
                (max(days) - min(days)).days if days else None,
                len(match),
            )
        )
    return found


def grown_up(of: Tables) -> list[tuple[object, ...]]:
    rows = first_by_values(frame(of["city.register"]))
    found = []
    for row in frame(of["clinic.visits"]).itertuples(index=False):
        own = rows[rows["person"] == row.person]
        born = own["born"].iloc[0] if len(own) else None
        age = row.year - born if row.year is not None and born is not None else None
        if age is not None and age >= 18:
            found.append((row.person, age, row.ward.upper() if row.ward is not None else None))
    return found


CASES: dict[str, tuple[str, Callable[[Tables], list[tuple[object, ...]]]]] = {
    "rows with what is counted beside them": (
        "SELECT v.person, v.year, t.taps, t.fares, t.stops, t.person IS NULL AS never "
        "FROM clinic.visits@1 AS v LEFT JOIN (SELECT person, COUNT(*) AS taps, SUM(fare) AS fares, "
        "COUNT(DISTINCT stop) AS stops FROM bus.taps@1 WHERE hour >= 6 GROUP BY person) AS t USING (person) "
        "WHERE v.cost > 3",
        visits_with_taps,
    ),
    "one row for each person": (
        "SELECT v.person, COUNT(*) AS visits, AVG(v.cost) AS mean, MAX(v.day) - MIN(v.day) AS days, "
        "COUNT(r.person) / COUNT(*) AS once FROM clinic.visits@1 AS v JOIN city.register@1 AS r "
        "ON v.person = r.person GROUP BY v.person HAVING COUNT(*) >= 2",
        one_row_each,
    ),
    "computed from two": (
        "SELECT v.person, v.year - r.born AS age, UPPER(v.ward) AS ward FROM clinic.visits@1 AS v "
        "LEFT JOIN city.register@1 AS r ON r.person = v.person WHERE v.year - r.born >= 18",
        grown_up,
    ),
}


def rows_of(table: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=20, deadline=None)
@given(of=tables())
def test_the_result_is_what_pandas_makes_of_the_rows(case: str, of: Tables) -> None:
    sql, expected = CASES[case]
    found = rows_of(derived(sql, of))
    assert sorted(map(repr, map(plain, found))) == sorted(map(repr, map(plain, expected(of))))


def plain(row: tuple[object, ...]) -> tuple[object, ...]:
    """Whole numbers alike, whether the engine counted or computed them."""
    return tuple(
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        for value in row
    )


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=15, deadline=None)
@given(of=tables(), instead=tables(), person=st.sampled_from(PEOPLE))
def test_other_rows_of_a_person_change_that_persons_rows_of_the_result_alone(
    case: str, of: Tables, instead: Tables, person: str
) -> None:
    """Neighbours: the rows of one person in all inputs are replaced by any others, or by none."""
    sql, _ = CASES[case]
    before = {row for row in rows_of(derived(sql, of)) if row[0] != person}
    changed = {name: replaced(of[name], instead[name], person) for name in of}
    assert {row for row in rows_of(derived(sql, changed)) if row[0] != person} == before


def replaced(table: pa.Table, other: pa.Table, person: str) -> pa.Table:
    kept = [row for row in table.to_pylist() if row["person"] != person]
    new = [row for row in other.to_pylist() if row["person"] == person]
    return pa.Table.from_pylist(sorted([*kept, *new], key=lambda row: row["person"]), schema=table.schema)


def test_no_row_makes_it_fail() -> None:
    """The ends of what a column can hold, and what an expression makes of them."""
    large = pa.Table.from_pylist(
        [
            {"person": "A", "stop": "x" * 4000, "hour": 2**53, "fare": 1e308},
            {"person": "A", "stop": None, "hour": -(2**53), "fare": -1e308},
            {"person": "B", "stop": "", "hour": None, "fare": None},
        ],
        schema=WIDEST["bus.taps"],
    )
    sql = (
        "SELECT person, SUM(fare * fare) AS s, AVG(fare / (hour - hour)) AS a, MAX(SQRT(ABS(hour))) AS e, "
        "SUM(hour) * 1000 AS big, COUNT(*) % 7 AS rest, MIN(LN(GREATEST(fare, 1))) AS l "
        "FROM bus.taps@1 GROUP BY person"
    )
    assert [row[0] for row in rows_of(derived(sql, {"bus.taps": large}))] == ["A", "B"]
