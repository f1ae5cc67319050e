"""Decides which pulls fetch only what is new, and from where on.

The last value seen is the largest of the column in the last version, where that version is of this pull. So
nothing about rows is kept beside the rows: the value is read in the vault when the pull is due, and told to
the puller alone, which reads all rows of the source anyway. Rows that were deleted at the source are found by
the full pull: the first of each day, week or month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Row

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.merge_rows import Merge, last_rows, last_version, require_mergeable
from sandbox.catalog.model import DatasetPolicy, Role, Type
from sandbox.city_time import city_date
from sandbox.errors import Conflict, InvalidInput
from sandbox.ingest.written import PLAIN
from sandbox.pulls.schemas import FullPull, What
from sandbox.sources.table_stream import Since, SinceKind
from sandbox.storage import RawStore

KINDS: Mapping[Type, SinceKind] = {
    Type.INTEGER: "integer",
    Type.DATE: "date",
    Type.TIMESTAMP: "timestamp",
}
OVERLAPS: Mapping[SinceKind, int] = {"integer": 1000, "date": 1, "timestamp": 3600}
"""How far before the last value a pull begins, unless the officer says otherwise: in numbers, days, seconds.
A row may be written late: with a smaller number, or an earlier moment, than one that was read before."""


@dataclass(frozen=True)
class Increments:
    """How a pull fetches what is new. `since`: the policy's column. `key`: see `Merge`. `overlap`: in
    numbers, days or seconds, as the column is."""

    since: str
    key: tuple[str, ...]
    full: FullPull
    overlap: int | None = None

    def columns(self, policy: DatasetPolicy, kind: What) -> dict[str, Any]:
        """As a pull is stored. Raises `InvalidInput` where this does not fit dataset and source."""
        if kind == "object":
            raise InvalidInput(
                "An object is fetched as a whole.",
                code="cannot_merge",
                remedy="Leave out `increments`, or pull a table or a query.",
                zh="对象只能整体获取。",
                remedy_zh="请去掉 increments，或改为采集表或查询。",
            )
        if not self.key and policy.unit is None:
            raise _needs_key()
        since = since_kind(policy, self.since)
        require_mergeable(policy, self.key)
        overlap = OVERLAPS[since] if self.overlap is None else self.overlap
        return {"since": self.since, "key": list(self.key), "overlap": overlap, "full_pull": self.full}


NOT_INCREMENTAL: dict[str, Any] = {"since": None, "key": None, "overlap": None, "full_pull": None}


def since_kind(policy: DatasetPolicy, name: str) -> SinceKind:
    """What the values of the column are that says what is new: as the source has them, so that the largest in
    a version is the largest at the source. Raises `InvalidInput`."""
    column = policy.column(name)
    as_at_source = (
        column is not None
        and column.role is not Role.UNIT
        and not (column.made or column.cleaned)
        and column.written == PLAIN
    )
    if column is None or not as_at_source or column.type not in KINDS:
        raise InvalidInput(
            f"{name} cannot say which rows are new.",
            code="cannot_merge",
            remedy="Name a column of the dataset, which may be hidden and which no step changes: a whole "
            "number that only grows, a date or a moment.",
            zh=f"{name} 不能用于判断哪些行是新的。",
            remedy_zh="请指定数据集中未被清洗步骤改动的列（可以是隐藏列）：只增不减的整数、日期或时间。",
        )
    return KINDS[column.type]


def full_is_due(pull: Row[Any], now: datetime) -> bool:
    """Whether all rows are fetched this time: the first time of each day, week or month."""
    if pull.since is None or pull.full_at is None:
        return True
    last, today = city_date(pull.full_at), city_date(now)
    match pull.full_pull:
        case "daily":
            return last != today
        case "weekly":
            return last.isocalendar()[:2] != today.isocalendar()[:2]
    return (last.year, last.month) != (today.year, today.month)


def read_since(
    pull: Row[Any], now: datetime, *, repository: DatasetRepository, store: RawStore
) -> tuple[Since, int] | None:
    """From where on rows are fetched, and onto which version they are put; None: all are fetched.
    Raises `Unavailable`."""
    if full_is_due(pull, now) or pull.made_version is None:
        return None
    try:
        version = last_version(repository, pull.dataset, pull.made_version)
    except Conflict:  # somebody published a version meanwhile: what of the source is in it, nobody knows
        return None
    kind, column = since_kind(version.policy, pull.since), version.policy.column(pull.since)
    assert column is not None
    at_least = before(last_rows(store, version, [pull.since]).column(0), pull.overlap)
    if at_least is None:
        return None
    return Since(column.source or column.name, kind, at_least), version.number


def before(values: pa.ChunkedArray, overlap: int) -> str | None:
    """The largest of the values, less the overlap, as `Since` writes it; None where there is none."""
    largest: int | date | datetime | None = pc.max(values).as_py()
    if largest is None:
        return None
    if isinstance(largest, int):
        return str(largest - overlap)
    span = timedelta(seconds=overlap) if isinstance(largest, datetime) else timedelta(days=overlap)
    try:
        largest -= span
    except OverflowError:
        return None
    return largest.isoformat(*([" ", "microseconds"] if isinstance(largest, datetime) else []))


def merge_onto(pull: Row[Any], base: int | None) -> Merge | None:
    """How the rows that arrive become a version. `base`: the version onto which they are put, if any."""
    return None if base is None else Merge(tuple(pull.key), onto=base)


def _needs_key() -> InvalidInput:
    return InvalidInput(
        "Without a key, nobody knows which row is a new form of which.",
        code="cannot_merge",
        remedy="Name the columns whose values together name one row.",
        zh="没有键就无法判断新行对应哪一行。",
        remedy_zh="请指定组合起来能唯一确定一行的列。",
    )
