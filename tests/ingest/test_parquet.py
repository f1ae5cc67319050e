"""Typed Parquet columns keep their values exactly, or are counted; a file is bounded before it is decoded."""

import datetime
import io
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.errors import InvalidInput
from sandbox.ingest import LIMITS, FieldRules, Limits, Type, Unfit, read_rows
from sandbox.ingest.limits import LARGEST_INTEGER

DAY, MOMENT = datetime.date, datetime.datetime
LAST_DAY = (DAY(9999, 12, 31) - DAY(1970, 1, 1)).days


def parquet(array: pa.Array, **how: object) -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.table({"x": array}), body, **how)
    return body.getvalue()


def emptied(array: pa.Array, type: Type, **how: object) -> tuple[list[object], str]:
    """Its values where what does not fit is emptied; and how it is refused otherwise."""
    body = parquet(array, **how)
    values = read_rows(body, [FieldRules("x", type, unfit=Unfit.EMPTY)]).table["x"].to_pylist()
    try:
        read_rows(body, [FieldRules("x", type)])
    except InvalidInput as refusal:
        return values, refusal.message
    return values, ""


@pytest.mark.parametrize(
    ("array", "type", "values", "says"),
    [
        (
            pa.array([1.0, 1.5, None, float("nan"), float("inf"), 1e300]),
            Type.INTEGER,
            [1, None, None, None, None, None],
            "2 are infinite or not a number, 1 are not whole, 1 are too large",
        ),
        (
            pa.array([1.0, float("nan"), float("-inf"), None]),
            Type.NUMBER,
            [1.0, None, None, None],
            "2 are infinite",
        ),
        (pa.array([1.5, 2.0], pa.float32()), Type.NUMBER, [1.5, 2.0], ""),
        (pa.array(np.array([1.5, 2.0], np.float16)), Type.NUMBER, [1.5, 2.0], ""),
        (
            pa.array([1, LARGEST_INTEGER, LARGEST_INTEGER + 1, -(2**63)]),
            Type.INTEGER,
            [1, LARGEST_INTEGER, None, None],
            "2 are too large",
        ),
        (pa.array([1, 2**64 - 1], pa.uint64()), Type.INTEGER, [1, None], "1 are too large"),
        (pa.array([1, 2**60]), Type.NUMBER, [1.0, None], "1 are too large"),
        (pa.array([0, 1, 2, None], pa.int8()), Type.BOOLEAN, [False, True, None, None], "1 are no boolean"),
        (pa.array([Decimal("4.0"), Decimal("4.4"), None]), Type.INTEGER, [4, None, None], "1 are not whole"),
        (pa.array([Decimal(10) ** 37]), Type.INTEGER, [None], "1 are too large"),
        (pa.array([Decimal("0.1")]), Type.NUMBER, [0.1], ""),
        (
            pa.array([0, LAST_DAY, LAST_DAY + 1, -(2**31), 2147483646], pa.int32()).cast(pa.date32()),
            Type.DATE,
            [DAY(1970, 1, 1), DAY(9999, 12, 31), None, None, None],
            "3 lie outside the years",
        ),
        (
            pa.array([0, 86_400_000, 1], pa.int64()).cast(pa.timestamp("ms")),
            Type.DATE,
            [DAY(1970, 1, 1), DAY(1970, 1, 2), None],
            "1 have a time of day",
        ),
        (
            pa.array([0, 2**62, -(2**62)]).cast(pa.timestamp("us")),
            Type.TIMESTAMP,
            [MOMENT(1970, 1, 1), None, None],
            "2 lie outside",
        ),
        (
            pa.array([1000, 1001]).cast(pa.timestamp("ns")),
            Type.TIMESTAMP,
            [MOMENT(1970, 1, 1, microsecond=1), None],
            "1 are finer",
        ),
        (
            pa.array([0, 2**62], pa.int64()).cast(pa.timestamp("ms", "UTC")),
            Type.TIMESTAMP,
            [MOMENT(1970, 1, 1, 8), None],
            "1 lie outside",
        ),
        (
            pa.array([0], pa.int64()).cast(pa.timestamp("us", "America/New_York")),
            Type.TIMESTAMP,
            [MOMENT(1970, 1, 1, 8)],
            "",
        ),
        (
            pa.array(["NA", "", "a\0", "磁" * 4001, None]),
            Type.TEXT,
            ["NA", "", None, None, None],
            "1 are longer than 4000",
        ),
        (
            pa.array(["1", "1.5", " 2", None]).dictionary_encode(),
            Type.INTEGER,
            [1, None, None, None],
            "1 are not plain",
        ),
        (
            pa.array([b"good", b"\xff\xed\xa0\x80"]).view(pa.string()),
            Type.TEXT,
            ["good", None],
            "1 are no text in the file's encoding",
        ),
        (pa.nulls(3), Type.DATE, [None, None, None], ""),
    ],
)
def test_a_typed_value_is_kept_or_counted(
    array: pa.Array, type: Type, values: list[object], says: str
) -> None:
    read, refusal = emptied(array, type)
    assert list(map(repr, read)) == list(map(repr, values))
    assert says in refusal if says else not refusal


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("tz", [None, "UTC", "Asia/Shanghai", "America/New_York"])
def test_times_agree_with_python_at_both_ends_of_the_years(unit: str, tz: str | None) -> None:
    """Every moment, in every unit and zone, is the city's clock's; those that no clock shows are counted."""
    chance, per_second = np.random.default_rng(16), {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    ends = [
        -62_135_596_800,
        253_402_300_799,
        0,
        -62_135_596_800 - 28_800,
        253_402_300_799 - 28_800,
        -62_135_596_801,
        253_402_300_800,
    ]
    seconds = [*ends, *chance.integers(-70_000_000_000, 260_000_000_000, 200).tolist()]
    ticks = [second * per_second for second in seconds if abs(second * per_second) < 2**63]
    read, _ = emptied(
        pa.array(ticks, pa.int64()).cast(pa.timestamp(unit, tz)),
        Type.TIMESTAMP,
        **({"version": "2.6"} if unit == "ns" else {}),
    )
    for tick, value in zip(ticks, read, strict=True):
        try:
            moment = MOMENT(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=tick // per_second)
            wanted = (moment.astimezone(ZoneInfo("Asia/Shanghai")) if tz else moment).replace(tzinfo=None)
        except OverflowError:
            wanted = None
        assert value == wanted, (tick, value, wanted)


def test_the_times_of_spark_are_utc() -> None:
    """INT96 has no zone in the file; Spark writes it in UTC.
    Its years go beyond those that nanoseconds can say."""
    moments = [MOMENT(2024, 1, 1, 0, 0), MOMENT(1582, 10, 15, 12, 30), MOMENT(9999, 12, 31, 0, 0), None]
    body = parquet(pa.array(moments, pa.timestamp("us")), use_deprecated_int96_timestamps=True)
    table = read_rows(body, [FieldRules("x", Type.TIMESTAMP)]).table
    wanted = [
        None
        if moment is None
        else moment.replace(tzinfo=datetime.UTC).astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
        for moment in moments
    ]
    assert table["x"].to_pylist() == wanted


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([datetime.time(1, 2)]),
        pa.array([b"x"]),
        pa.array([True]),
        pa.array([datetime.timedelta(1)]).cast(pa.duration("us")),
    ],
)
def test_a_column_of_another_kind_is_refused_by_its_name(array: pa.Array) -> None:
    with pytest.raises(InvalidInput, match="Column x is of the type"):
        read_rows(parquet(array), [FieldRules("x", Type.INTEGER)])


@pytest.mark.parametrize(
    ("rows", "columns", "says"), [(20_000_000, 1, "more than 16000000 rows"), (1_000, 501, "500 columns")]
)
def test_a_small_file_that_unpacks_to_much_is_refused_before_it_is_decoded(
    rows: int, columns: int, says: str
) -> None:
    body = io.BytesIO()
    batch = pa.table(
        {f"c{place}": pa.array(np.zeros(min(rows, 1_000_000), np.int64)) for place in range(columns)}
    )
    with pq.ParquetWriter(body, batch.schema, compression="zstd") as writer:
        for _ in range(max(1, rows // 1_000_000)):
            writer.write_table(batch)
    packed = body.getvalue()
    assert len(packed) < 1_000_000
    before, peak = pa.total_allocated_bytes(), pa.default_memory_pool().max_memory()
    with pytest.raises(InvalidInput, match=says):
        read_rows(packed, [FieldRules(name, Type.INTEGER) for name in batch.column_names])
    assert pa.total_allocated_bytes() - before < 1_000_000 and pa.default_memory_pool().max_memory() == peak


def test_one_long_text_in_every_row_is_never_unpacked() -> None:
    """60 KB that would be 2 GB: a text longer than the longest is one text of a dictionary,
    however often it stands there."""
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2_000, np.int32)), pa.array(["x" * 1_000_000]))
    body = io.BytesIO()
    schema = pa.schema([("x", long.type)])
    with pq.ParquetWriter(body, schema, compression="zstd", dictionary_pagesize_limit=2**24) as writer:
        writer.write_table(pa.table({"x": long}, schema=schema))
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(InvalidInput, match="2000 are longer"):
        read_rows(body.getvalue(), [FieldRules("x", Type.TEXT)])
    assert pa.default_memory_pool().max_memory() - before < 200_000_000


def test_limits_hold_while_decoding_whatever_the_file_declares() -> None:
    texts = parquet(pa.array([f"{number:0>1000}" for number in range(5_000)]))
    with pytest.raises(InvalidInput, match="unpacks to more than"):
        read_rows(texts, [FieldRules("x", Type.TEXT)], limits=Limits(unpacked_bytes=1024**2))
    with pytest.raises(InvalidInput, match="more than 10 rows"):
        read_rows(b"x\n" + b"1\n" * 11, [FieldRules("x", Type.INTEGER)], limits=Limits(rows=10))
    assert LIMITS.rows * 7 <= LIMITS.cells
