"""A pull that fetches only what is new makes the version that a full pull would, but for rows that were
deleted at the source: those a full pull finds."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from pulled_city import PulledCity
from sandbox.catalog.merge_rows import last_rows, last_version, merge_rows
from sandbox.catalog.publish import to_parquet
from sandbox.errors import InvalidInput
from sandbox.ingest import SortedRows, StoredRows
from sandbox.ingest.spool import InMemoryOverflow, Spool
from sandbox.privacy import PrivacyUnit
from sandbox.pulls.increments import before, full_is_due
from sandbox.pulls.tables import pulls

VISITS = """
dataset: {name}
title: {{zh: 就诊, en: Visits}}
summary: {{zh: 测试, en: Made-up rows for tests}}
department: health
grade: "{grade}"
source: {{name: made up, licence: CC0-1.0}}
about_rows: 1000
population: residents
unit: {{column: person, kind: person, max_rows: 4}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}}
columns:
  person: {{role: unit, type: text, grade: "{grade}"}}
  visit: {{role: hidden, type: integer}}
  changed: {{role: hidden, type: timestamp, source: "changed at"}}
  cost: {{role: measure, type: number, bounds: [0, 100], step: "0.5"}}
"""
FIRST = b"person,visit,changed at,cost\nx,1,2020-01-01 08:00:00,1\n"
INCREMENTS = {"since": "changed", "key": ["visit"], "full": "monthly", "overlap": 60}


@pytest.fixture
def source(city: PulledCity) -> Iterator[psycopg.Connection[Any]]:
    """The department's table, with an own clock for its moments."""
    url = city.postgres.url(database="postgres").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            'CREATE TABLE seen (person text, visit bigint, "changed at" timestamptz, cost numeric)'
        )
        yield connection
        connection.execute("DROP TABLE seen")


def seen(city: PulledCity, dataset: str) -> dict[int, tuple[str, float]]:
    story = city.asked.story
    rows = last_rows(story.store, last_version(story.repository, dataset)).to_pylist()
    found = {row["visit"]: (row["person"], row["cost"]) for row in rows}
    assert len(found) == len(rows)
    return found


def add(source: psycopg.Connection[Any], person: str, visit: int, moment: str, cost: int) -> None:
    source.execute("DELETE FROM seen WHERE visit = %s", (visit,))
    source.execute("INSERT INTO seen VALUES (%s, %s, %s, %s)", (person, visit, moment, cost))


def test_only_what_is_new_is_fetched_and_put_into_the_last_version(
    city: PulledCity, source: psycopg.Connection[Any]
) -> None:
    dataset = city.published(VISITS, FIRST)
    for visit in range(1, 6):
        add(source, f"p{visit}", visit, f"2026-03-0{visit} 00:30:00+00", visit)
    assert city.pulled(dataset, source="clinic", what="seen", increments=INCREMENTS)["version"] == 2
    add(source, "p2", 2, "2026-03-06 00:30:00+00", 20)  # changed
    add(source, "p9", 9, "2026-03-06 00:31:00+00", 9)  # new
    source.execute("DELETE FROM seen WHERE visit = 1")
    # changed without a word: whoever reads it has read everything
    source.execute("UPDATE seen SET cost = 77 WHERE visit = 3")
    city.run(dataset)
    (due,) = city.due()
    # by the city's clock, a minute before the last; no officer is told
    assert due["since"] == {
        "column": "changed at",
        "kind": "timestamp",
        "at_least": "2026-03-05 08:29:00.000000",
    }
    assert due["base"] == 2
    city.puller().look()
    assert city.last(dataset)["version"] == 3
    assert seen(city, dataset) == {
        1: ("P1", 1.0),  # deleted at the source: nobody sees it yet
        2: ("P2", 20.0),
        3: ("P3", 3.0),
        4: ("P4", 4.0),
        5: ("P5", 5.0),
        9: ("P9", 9.0),
    }
    told = city.officer().send("GET", f"/v1/datasets/{dataset}/pull")
    assert told.json()["increments"] == INCREMENTS and "2026-03" not in told.text.replace("set_at", "")
    with city.asked.story.database.transaction() as tx:  # a month later
        old = datetime.now(UTC) - timedelta(days=40)
        tx.execute(update(pulls).where(pulls.c.dataset == dataset).values(full_at=old))
    assert city.again(dataset)["version"] == 4
    assert seen(city, dataset) == {
        2: ("P2", 20.0),
        3: ("P3", 77.0),
        4: ("P4", 4.0),
        5: ("P5", 5.0),
        9: ("P9", 9.0),
    }


def test_after_a_version_of_somebody_else_everything_is_fetched(
    city: PulledCity, source: psycopg.Connection[Any]
) -> None:
    dataset = city.published(VISITS, FIRST)
    add(source, "a", 1, "2026-03-01 00:00:00+00", 1)
    assert city.pulled(dataset, source="clinic", what="seen", increments=INCREMENTS)["version"] == 2
    city.run(dataset)
    (due,) = city.due()
    assert due["base"] == 2
    published = city.asked.publish(VISITS.format(name=dataset, grade="3"), FIRST)
    assert published.status_code == 201
    path = f"/v1/pulls/{due['id']}/rows?revision={due['revision']}"
    refused = city.as_puller("POST", f"{path}&base=2", content=FIRST)
    assert refused.status_code == 409, "what was fetched does not belong to the version in use"
    assert city.as_puller("POST", f"{path}&base=3", content=FIRST).status_code == 409
    (due,) = city.due()
    assert "since" not in due
    city.puller().look()
    assert seen(city, dataset) == {1: ("A", 1.0)} and city.version(dataset) == 4


def test_a_source_whose_last_row_is_gone_is_fetched_as_a_whole(
    city: PulledCity, source: psycopg.Connection[Any]
) -> None:
    dataset = city.published(VISITS, FIRST)
    add(source, "a", 1, "2026-03-01 00:00:00+00", 1)
    add(source, "b", 2, "2026-04-01 00:00:00+00", 2)
    assert city.pulled(dataset, source="clinic", what="seen", increments=INCREMENTS)["version"] == 2
    source.execute("DELETE FROM seen WHERE visit = 2")
    city.run(dataset)
    city.puller().look()
    assert city.version(dataset) == 2 and len(city.due()) == 1 and "since" not in city.due()[0]
    city.puller().look()
    assert seen(city, dataset) == {1: ("A", 1.0)} and city.version(dataset) == 3


def test_an_sqlite_file_and_a_growing_number(city: PulledCity) -> None:
    columns = 'person, visit, "changed at", cost'
    rows = [("a", 1, "2026-03-01 08:00:00", 1), ("b", 2000, "2026-03-02 08:00:00", 2)]
    dataset = city.published(VISITS, FIRST)
    increments = {"since": "visit", "key": ["visit"], "overlap": 0}
    city.table(rows, columns=columns)
    asked = {"source": "file", "kind": "query", "what": "SELECT * FROM visits -- all;"}
    assert city.pulled(dataset, **asked, increments=increments)["version"] == 2
    third = ("c", 2001, "2026-03-03 08:00:00", 3)
    city.table([("a", 1, "2026-03-01 08:00:00", 50), rows[1], third], columns=columns)
    assert city.again(dataset)["version"] == 3
    assert seen(city, dataset) == {1: ("A", 1.0), 2000: ("B", 2.0), 2001: ("C", 3.0)}
    # by a moment, which is a text there
    assert city.pulled(dataset, **asked, increments=increments | {"since": "changed"})["version"] == 4
    city.table([*rows, third, ("d", 1999, "2026-03-03T00:00:00", 4)], columns=columns)
    assert city.again(dataset)["version"] == 5
    assert seen(city, dataset)[1999] == ("D", 4.0) and len(seen(city, dataset)) == 4


def test_a_column_of_another_type_at_the_source_is_refused(
    city: PulledCity, source: psycopg.Connection[Any]
) -> None:
    """Texts are compared letter by letter: 10 would be before 9."""
    dataset = city.published(VISITS, FIRST)
    add(source, "a", 9, "2026-03-01 00:00:00+00", 1)
    query = 'SELECT person, visit::text AS visit, "changed at", cost FROM seen'
    increments = {"since": "visit", "key": ["visit"]}
    asked = {"source": "clinic", "kind": "query", "what": query, "increments": increments}
    assert city.pulled(dataset, **asked)["version"] == 2
    assert city.again(dataset)["code"] == "source_since_column" and city.version(dataset) == 2


def test_a_key_that_does_not_name_a_row_is_refused(city: PulledCity, source: psycopg.Connection[Any]) -> None:
    dataset = city.published(VISITS, FIRST)
    add(source, "a", 1, "2026-03-01 00:00:00+00", 1)
    add(source, "a", 2, "2026-03-01 00:00:00+00", 1)
    increments = {"since": "changed", "key": ["cost"]}
    assert city.pulled(dataset, source="clinic", what="seen", increments=increments)["version"] == 2
    assert city.again(dataset)["code"] == "key_not_unique" and city.version(dataset) == 2


def test_what_cannot_be_fetched_in_parts_is_refused_when_it_is_set(city: PulledCity) -> None:
    dataset = city.published(VISITS, FIRST)
    for increments in (
        {"since": "cost", "key": ["visit"]},
        {"since": "person", "key": ["visit"]},
        {"since": "nothing", "key": ["visit"]},
        {"since": "visit", "key": ["nothing"]},
    ):
        told = city.set(dataset, source="file", increments=increments)
        assert (told.status_code, told.json()["code"]) == (422, "cannot_merge"), increments
    told = city.set(dataset, source="gone", kind="object", what="a.csv", increments=INCREMENTS)
    assert told.json()["code"] == "cannot_merge"
    steps = VISITS + "steps:\n  - {{deduplicate: [person, visit]}}\n"
    dataset = city.published(steps, FIRST)
    told = city.set(dataset, source="file", increments=INCREMENTS)
    assert (told.status_code, told.json()["code"]) == (422, "cannot_merge")
    with city.asked.story.database.transaction() as tx:
        assert tx.execute(select(pulls.c.id).where(pulls.c.dataset == dataset)).first() is None


@pytest.mark.parametrize(
    ("values", "overlap", "at_least"),
    [
        ([3, 9, None], 2, "7"),
        ([datetime(2026, 3, 1, 0, 0, 30)], 60, "2026-02-28 23:59:30.000000"),
        ([date(2026, 3, 1)], 1, "2026-02-28"),
        ([date(1, 1, 1)], 1, None),
        ([None], 1, None),
    ],
)
def test_a_pull_begins_before_the_last_value(values: list[Any], overlap: int, at_least: str | None) -> None:
    kinds = {int: pa.int64(), datetime: pa.timestamp("us"), date: pa.date32(), type(None): pa.int64()}
    assert before(pa.chunked_array([pa.array(values, kinds[type(values[0])])]), overlap) == at_least


@pytest.mark.parametrize(
    ("period", "last", "now", "due"),
    [
        ("daily", "2026-03-01T15:59", "2026-03-01T16:01", True),  # midnight by the city's clock
        ("daily", "2026-03-01T16:01", "2026-03-02T15:59", False),
        ("weekly", "2026-03-06T02:00", "2026-03-08T02:00", False),
        ("weekly", "2026-03-08T02:00", "2026-03-09T02:00", True),
        ("monthly", "2026-02-27T02:00", "2026-02-28T02:00", False),
        ("monthly", "2026-02-28T02:00", "2026-03-01T02:00", True),
        ("monthly", "2025-03-01T02:00", "2026-03-01T02:00", True),
    ],
)
def test_everything_is_fetched_the_first_time_of_each_period(
    period: str, last: str, now: str, *, due: bool
) -> None:
    pull: Any = SimpleNamespace(
        since="changed", full_pull=period, full_at=datetime.fromisoformat(last).replace(tzinfo=UTC)
    )
    assert full_is_due(pull, datetime.fromisoformat(now).replace(tzinfo=UTC)) is due


ROW = st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 9))
KEYED = st.lists(ROW, max_size=12, unique_by=lambda row: row[:2])


def table(rows: list[tuple[str, int, int]]) -> pa.Table:
    columns = [list(column) for column in zip(*sorted(rows, key=lambda row: row[0]), strict=True)] or [
        [],
        [],
        [],
    ]
    kinds = (("person", pa.string()), ("visit", pa.int64()), ("cost", pa.int64()))
    return pa.table({name: pa.array(cells, kind) for (name, kind), cells in zip(kinds, columns, strict=True)})


def merged_rows(new: pa.Table, last: pa.Table, policy: Any, key: tuple[str, ...] = ()) -> pa.Table:
    """In batches of two rows: what comes of them may not depend on where one ends."""
    rows = SortedRows(new.schema, len(new), iter(new.to_batches(max_chunksize=2)), ())
    stored = StoredRows(lambda: io.BytesIO(to_parquet(last)), len(last))
    merged = merge_rows(rows, stored, policy, key, spool=Spool(InMemoryOverflow()))
    table = pa.Table.from_batches(merged.batches, merged.schema)
    assert len(table) == merged.count
    return table


@settings(max_examples=60, deadline=None)
@given(KEYED, KEYED)
def test_merging_replaces_rows_of_the_same_key_and_keeps_all_others(
    last: list[tuple[str, int, int]], new: list[tuple[str, int, int]]
) -> None:
    policy: Any = SimpleNamespace(unit=PrivacyUnit("person", "person", 4), made_ids=None)
    expected = {row[:2]: row[2] for row in last} | {row[:2]: row[2] for row in new}
    merged = merged_rows(table(new), table(last), policy, ("visit",)).to_pylist()
    assert {(row["person"], row["visit"]): row["cost"] for row in merged} == expected
    assert len(merged) == len(expected)
    assert [row["person"] for row in merged] == sorted(row["person"] for row in merged)
    appended = merged_rows(table(new), table(last), policy)
    assert sorted(map(tuple, (row.values() for row in appended.to_pylist()))) == sorted([*last, *new])


def test_a_key_with_an_empty_cell_names_no_row() -> None:
    policy: Any = SimpleNamespace(unit=None, made_ids=None)
    rows = pa.table({"visit": pa.array([1, None], pa.int64())})
    with pytest.raises(InvalidInput, match="empty in a row"):
        merged_rows(rows, rows.slice(0, 1), policy, ("visit",))
