"""Times of day: read from files, told from dates, and never a way for a row to make a question fail."""

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest

from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.publish import to_parquet
from sandbox.catalog.read_table import read_table
from sandbox.catalog.stand_in import stand_in
from sandbox.engines.duckdb import compute, units_by_value
from sandbox.engines.rows_in_memory import RowsInMemory
from sandbox.errors import InvalidInput, QueryRefused
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.types.scope import Scope
from story import POLICIES

POLICY = read_policy(
    """
dataset: bus.taps
title: {zh: t, en: t}
summary: {zh: t, en: t}
department: health
grade: "3"
source: {name: n, licence: l}
about_rows: 10
population: residents
unit: {column: card, kind: person, max_rows: 4}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}
columns:
  card: {role: unit, type: text}
  at: {role: attribute, type: timestamp}
  day: {role: attribute, type: date}
""",
    schema=POLICIES / "dataset.schema.json",
)
VERSION = Version("bus.taps", 1, POLICY, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))
EXTREME = (
    "2026-05-01 08:15:00",
    None,
    "infinity",
    "-infinity",
    "0001-01-01 00:00:00",
    "9999-12-31 23:59:59.999999",
    "290000-01-01 00:00:00",
    "2000-02-29 12:00:00.123456",
)


def planned(sql: str) -> list[int]:
    scope = Scope(POLICY)
    plan = make_plan(bind(parse(sql), scope), VERSION, scope)
    [cells] = compute(plan, rows_of((f"c{place}", at) for place, at in enumerate(EXTREME))).values()
    return cells


def rows_of(taps: Iterable[tuple[str, str | None]]) -> pa.Table:
    """As a version holds them that was published before times had to lie in the years 1 to 9999."""
    lines = ", ".join(
        f"('{card}', {'NULL' if at is None else repr(at)}, DATE '2026-05-01')" for card, at in taps
    )
    with duckdb.connect(":memory:") as connection:
        return connection.execute(
            f'SELECT card, CAST("at" AS TIMESTAMP) AS "at", day FROM (VALUES {lines}) AS t (card, "at", day)'
        ).to_arrow_table()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) AS n FROM bus.taps WHERE HOUR(at) = 8",
        "SELECT HOUR(at) AS h, COUNT(*) AS n FROM bus.taps GROUP BY h",
        "SELECT COUNT(*) AS n FROM bus.taps WHERE DATE_TRUNC('hour', at) = TIMESTAMP '2026-05-01 08:00:00'",
        (
            "SELECT COUNT(*) AS n FROM bus.taps WHERE CAST(at AS DATE) = day AND "
            "MINUTE(at) = 15 AND YEAR(at) > 1"
        ),
        "SELECT COUNT(*) AS n FROM bus.taps WHERE DATE_TRUNC('week', at) < day OR at > '9999-12-31'",
    ],
)
def test_no_time_however_extreme_makes_a_question_fail(sql: str) -> None:
    assert sum(planned(sql)) > 0


def test_full_hours_and_days_are_found_as_keys() -> None:
    table = rows_of(
        [("a", "2026-05-01 08:15:00"), ("b", "2026-05-01 08:59:59"), ("b", "infinity"), ("c", None)]
    )
    for sql, value in (
        ("DATE_TRUNC('hour', at)", datetime(2026, 5, 1, 8)),
        ("at::DATE", datetime(2026, 5, 1).date()),
    ):
        scope = Scope(POLICY)
        plan = make_plan(
            bind(parse(f"SELECT {sql} AS h, COUNT(*) AS n FROM bus.taps GROUP BY h"), scope), VERSION, scope
        )
        found = units_by_value(plan.unknown[0], POLICY, RowsInMemory(table.to_batches(), POLICY), choice=None)
        assert found == {value: 2}


def test_a_file_with_zones_is_read_by_the_citys_clock_and_a_text_with_one_is_refused() -> None:
    moment = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
    zoned_times = pa.array([moment], pa.timestamp("us", tz="UTC"))
    table = pa.table({"card": ["a"], "at": zoned_times, "day": pa.array([None], pa.date32())})
    assert read_table(to_parquet(table), POLICY).column("at").to_pylist() == [datetime(2026, 5, 1, 8, 30)]
    for zoned in ("2026-05-01T08:00:00Z", "2026-05-01 08:00:00+08", "2026-05-01 08:00:00.5 +0800"):
        with pytest.raises(InvalidInput, match="column at: of its cells 1 have a time zone"):
            read_table(f"card,at,day\na,{zoned},\n".encode(), POLICY)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT COUNT(*) AS n FROM bus.taps WHERE HOUR(day) = 1", "a timestamp is needed here"),
        ("SELECT COUNT(*) AS n FROM bus.taps WHERE at > '2026-13-01'", "not a time"),
        ("SELECT COUNT(*) AS n FROM bus.taps WHERE at > TIMESTAMP '2026-01-01 00:00:00+08'", "not a time"),
        ("SELECT COUNT(*) AS n FROM bus.taps WHERE at = 5", "one is timestamp, the other integer"),
        ("SELECT SUM(at) AS n FROM bus.taps", "noise can be added to numbers only"),
    ],
)
def test_what_is_no_time_is_refused_with_a_remedy(sql: str, says: str) -> None:
    with pytest.raises(QueryRefused, match=says) as refusal:
        planned(sql)
    assert refusal.value.remedy
    assert refusal.value.remedy_zh


def test_stand_in_rows_have_times() -> None:
    assert stand_in(VERSION).schema.field("at").type == pa.timestamp("us")
