"""Sorting by unit in runs, blocks and ranges gives what one stable sort of the whole gives, within a memory
that does not grow with the rows."""

import random
import threading
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.ingest.equal_rows import EqualRows
from sandbox.ingest.spool import InMemoryOverflow, Spool, SpoolClosed
from sandbox.ingest.unit_order import UnitOrder
from sandbox.ingest.value_hashes import count_different, different_hashes, text_hashes

SCHEMA = pa.schema([("unit", pa.string()), ("row", pa.int64()), ("note", pa.string())])
UNITS = st.lists(
    st.text(max_size=12) | st.sampled_from(["a", "b", "磁湖", "\U0001f600", "\uffee"]), max_size=200
)


class Kept:
    """An overflow that counts what it was given and what was fetched."""

    def __init__(self) -> None:
        self.kept = self.fetched = 0

    def keep(self, packed: pa.Buffer) -> Callable[[], pa.Buffer]:
        self.kept += 1

        def fetch() -> pa.Buffer:
            self.fetched += 1
            return packed

        return fetch


def order(limit: int = 1 << 30, overflow: Kept | None = None, **sizes: int) -> UnitOrder:
    given = {"run_bytes": 2000, "block_bytes": 300, "range_bytes": 900} | sizes
    return UnitOrder(SCHEMA, "unit", Spool(overflow or Kept(), limit), **given)


def batches(units: list[str], rows_at_once: int) -> list[pa.RecordBatch]:
    notes = [None if place % 3 else "x" * (place % 40) for place in range(len(units))]
    table = pa.table([units, range(len(units)), notes], schema=SCHEMA)
    return table.to_batches(max_chunksize=rows_at_once)


@settings(deadline=None, max_examples=60)
@given(UNITS, st.integers(1, 60), st.integers(100, 4000), st.integers(50, 900), st.integers(100, 3000))
def test_the_order_is_that_of_one_stable_sort(
    units: list[str], rows_at_once: int, run_bytes: int, block_bytes: int, range_bytes: int
) -> None:
    sorting = order(run_bytes=run_bytes, block_bytes=block_bytes, range_bytes=range_bytes)
    parts = batches(units, rows_at_once)
    for part in parts:
        sorting.add(part)
    found = pa.Table.from_batches(sorting.batches(), SCHEMA).to_pylist()
    given_rows = [row for part in parts for row in part.to_pylist()]
    assert found == sorted(given_rows, key=lambda row: row["unit"].encode())
    assert sorting.spool.waiting == 0, "what was packed is gone"


def test_integers_are_sorted_by_value_and_rows_without_a_unit_stay() -> None:
    schema = pa.schema([("unit", pa.int64())])
    numbers = [random.Random(5).randrange(-50, 50) for _ in range(3000)]
    for unit, expected in (("unit", sorted(numbers)), (None, numbers)):
        sorting = UnitOrder(schema, unit, Spool(Kept()), run_bytes=4000, block_bytes=500, range_bytes=2000)
        for part in pa.table([numbers], schema=schema).to_batches(max_chunksize=100):
            sorting.add(part)
        assert pa.Table.from_batches(sorting.batches()).column(0).to_pylist() == expected


@pytest.mark.parametrize("heavy", [0.0, 0.9])
def test_no_more_than_a_range_and_a_block_of_each_run_is_in_memory(heavy: float) -> None:
    """Also where one unit has most rows: these are given on without being sorted."""
    chance = random.Random(7)
    units = ["heavy" if chance.random() < heavy else f"{chance.randrange(10**6):06}" for _ in range(40_000)]
    overflow = Kept()
    sorting = order(50_000, overflow, run_bytes=100_000, block_bytes=4_000, range_bytes=50_000)
    for part in batches(units, 500):
        sorting.add(part)
    assert sorting.spool.waiting <= 50_000 and overflow.kept > 20
    largest = 0
    rows = 0
    for batch in sorting.batches():
        largest, rows = max(largest, batch.nbytes), rows + len(batch)
        assert len(sorting._waiting) == 0
    assert rows == 40_000 and overflow.fetched == overflow.kept
    runs = 40_000 * 40 // 100_000 + 1
    assert largest <= 50_000 + runs * 4_000 * 2


def test_different_texts_have_different_numbers_whatever_their_length() -> None:
    texts = [
        "",
        "a",
        "b",
        "ab",
        "ba",
        "a\0",
        "\0a",
        "12345678",
        "123456789",
        "12345678\0",
        "磁湖",
        "x" * 4000,
    ]
    texts += [f"{place:x}" * (place % 7) + str(place) for place in range(20_000)]
    different = len(set(texts))
    array = pa.array([*texts, *texts])
    assert len(set(text_hashes(array).tolist())) == different
    assert text_hashes(array[5:9]).tolist() == text_hashes(array).tolist()[5:9], "also of a slice"
    halves = [different_hashes(array[: len(texts)]), different_hashes(array[len(texts) :])]
    assert count_different(halves) == different


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2, 2, None], pa.int64()),
        pa.array([1.5, -0.0, 1.5, None], pa.float64()),
        pa.array([True, False, True, None]),
        pa.array([1, 2, 2, None], pa.date32()),
        pa.array([1, 2, 2, None], pa.timestamp("us")),
        pa.array(["a", "b", "b", None]).dictionary_encode(),
    ],
)
def test_each_type_is_counted_without_its_empty_cells(values: pa.Array) -> None:
    assert count_different([different_hashes(values), different_hashes(values)]) == 2


def test_once_closed_a_spool_keeps_nothing_more_and_what_was_coming_is_there() -> None:
    """A run is packed in a thread of its own, which a refused file does not stop."""
    begun, may_end = threading.Event(), threading.Event()
    kept: list[int] = []

    class Slow:
        def keep(self, packed: pa.Buffer) -> Callable[[], pa.Buffer]:
            begun.set()
            may_end.wait(120)
            kept.append(packed.size)
            return lambda: packed

    spool = Spool(Slow(), 0)
    sorting = UnitOrder(SCHEMA, "unit", spool, run_bytes=100, block_bytes=100)
    sorting.add(batches(["b", "a"] * 20, 100)[0])
    assert begun.wait(120) and not kept
    closing = threading.Thread(target=spool.close)
    closing.start()
    may_end.set()
    closing.join(120)
    assert not closing.is_alive()
    assert kept
    there = len(kept)
    sorting = UnitOrder(SCHEMA, "unit", spool, run_bytes=100, block_bytes=100)
    sorting.add(batches(["b", "a"] * 20, 100)[0])
    with pytest.raises(SpoolClosed):
        list(sorting.batches())
    assert len(kept) == there


CELLS = st.tuples(st.sampled_from(["a", "b", "", None]), st.sampled_from([0.0, -0.0, 1.5, None]))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, st.booleans()), max_size=40))
def test_equal_rows_are_found_wherever_they_stand(
    rows: list[tuple[tuple[str | None, float | None], bool]],
) -> None:
    schema = pa.schema([("word", pa.string()), ("number", pa.float64())])
    equal = EqualRows(schema, Spool(InMemoryOverflow(), limit=0), run_bytes=100)
    expected: dict[tuple[str | None, float | None], list[int]] = {}
    for cells, marked in rows:
        expected.setdefault(cells, []).append(equal.rows)
        equal.add(
            pa.RecordBatch.from_pylist([dict(zip(schema.names, cells, strict=True))], schema), marked=marked
        )
    found = [group for table in equal.groups() for group in table.to_pylist()]
    counted = [
        {
            "first": places[0],
            "last": places[-1],
            "count": len(places),
            "marked": sum(rows[place][1] for place in places),
        }
        for places in expected.values()
    ]
    assert sorted(found, key=lambda group: group["first"]) == counted
