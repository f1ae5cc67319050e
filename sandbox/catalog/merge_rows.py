"""Puts new rows into the last version's: added to it, or in place of the rows that have the same key.

The last version's rows were cleaned when it was published, the new ones now, by the same steps. So only steps
that look at one row at a time may stand in such a policy. Of data about people, so may only rules that do.

Both are read in batches, and wait packed: a large dataset needs no more memory than a small one, but for its
packed rows and a few bytes a row.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import select

from sandbox.catalog.cleaning_steps import Deduplicate
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.tables import datasets
from sandbox.errors import Conflict, InvalidInput
from sandbox.ingest import LIMITS, Limits, SortedRows, StoredRows
from sandbox.ingest.equal_rows import COUNT, FIRST, MARKED, EqualRows
from sandbox.ingest.spool import Spool
from sandbox.ingest.unit_order import UnitOrder
from sandbox.storage import RawStore

Mask = npt.NDArray[np.bool_]
BASE_CHANGED = "base_version_changed"


@dataclass(frozen=True)
class Merge:
    """`key`: rows of the last version that are alike a new one in the unit and in these columns are replaced;
    without a key, all stay. `onto`: the number that the last version must have, where that matters."""

    key: tuple[str, ...] = ()
    onto: int | None = None


def require_mergeable(policy: DatasetPolicy, key: Sequence[str] = ()) -> None:
    """Raises `InvalidInput` where new rows cannot be put into the last version's."""
    if any(isinstance(step, Deduplicate) for step in policy.steps):
        raise InvalidInput(
            "The policy's steps look for duplicates, which needs all rows at once.",
            code="cannot_merge",
            remedy="Send or pull all rows each time, or leave out the step `deduplicate`.",
            zh="策略的清洗步骤包含去重，需要一次取得全部数据行。",
            remedy_zh="请每次提供全部数据，或去掉 deduplicate 步骤。",
        )
    if policy.unit is not None and any(rule.stops and not rule.of_each_row for rule in policy.expectations):
        # whether such a rule is kept on some rows and the last version's says something of the latter
        raise InvalidInput(
            "A rule of the policy (`expect`) stops a version by what all rows are together.",
            code="cannot_merge",
            remedy="Send or pull all rows each time; or write the rule for each row, or with `else: warn`.",
            zh="策略中有规则（expect）按全部数据行合计阻止发布。",
            remedy_zh="请每次提供全部数据；或改为逐行的规则，或改为警告（else: warn）。",
        )
    unknown = [name for name in key if policy.column(name) is None]
    if unknown:
        raise InvalidInput(
            f"The dataset has no column {', '.join(unknown)}.",
            code="cannot_merge",
            remedy=f"Its columns are {', '.join(column.name for column in policy.columns)}.",
            zh=f"数据集没有列 {'、'.join(unknown)}。",
            remedy_zh=f"现有列：{'、'.join(column.name for column in policy.columns)}。",
        )


def merged_with_last(
    repository: DatasetRepository,
    store: RawStore,
    rows: SortedRows,
    policy: DatasetPolicy,
    merge: Merge,
    spool: Spool,
) -> SortedRows:
    """The rows of the next version, sorted by unit; they wait in `spool`. The caller holds the dataset's lock
    of publishing.
    Raises `Conflict` where there is no last version or not the expected one; `InvalidInput`."""
    require_mergeable(policy, merge.key)
    last = stored_rows(store, last_version(repository, policy.dataset, merge.onto))
    return merge_rows(rows, last, policy, merge.key, spool=spool)


def last_version(repository: DatasetRepository, dataset: str, expected: int | None = None) -> Version:
    """The version in use. Raises `Conflict`."""
    with repository.database.transaction() as tx:
        number = tx.execute(select(datasets.c.latest).where(datasets.c.name == dataset)).scalar_one_or_none()
        require_base(number or 0, expected or number or 1)
        return repository.version(tx, dataset, number or 0)


def require_base(number: int, expected: int | None) -> None:
    """Raises `Conflict` where the version in use is not the expected one."""
    if expected not in (None, number):
        raise Conflict(
            "The last version is not the one to which these rows belong.",
            code=BASE_CHANGED,
            remedy="Send all rows.",
            zh="最新版本已不是这些数据行所对应的版本。",
            remedy_zh="请提供全部数据行。",
        )


def stored_rows(store: RawStore, version: Version) -> StoredRows:
    """The stored rows of a version, of everybody: they go into the next one. In memory they are as packed as
    they are stored. Raises `Unavailable`."""
    body = store.whole(version)
    count = pyarrow.parquet.read_metadata(io.BytesIO(body)).num_rows
    return StoredRows(lambda: io.BytesIO(body), count)


def last_rows(store: RawStore, version: Version, columns: list[str] | None = None) -> pa.Table:
    """The stored rows, or some of their columns, in memory. Raises `Unavailable`."""
    rows = stored_rows(store, version)
    return rows.reader(rows.names if columns is None else columns).read_all()


def merge_rows(
    rows: SortedRows,
    last: StoredRows,
    policy: DatasetPolicy,
    key: tuple[str, ...] = (),
    *,
    spool: Spool,
    limits: Limits = LIMITS,
) -> SortedRows:
    """`last` with the new rows. Both are cleaned, and have the policy's columns. Raises `InvalidInput`."""
    unit = policy.unit.column if policy.unit is not None else None
    made_ids = policy.made_ids if policy.made_ids is not None and policy.made_ids.of is None else None
    if {*rows.schema.names} != {*last.names}:
        raise _other_columns()
    # such an id is made of the whole row, and of how many equal rows there are: anew
    schema = pa.schema([each for each in rows.schema if made_ids is None or each.name != unit])
    new = UnitOrder(schema, None, spool)
    for batch in rows.batches:
        new.add(batch.select(schema.names))
    kept = np.ones(last.count, np.bool_)
    if key:
        names = key if unit is None or made_ids is not None else (unit, *key)
        kept, new = _kept(last, new, names, spool)
    count = int(kept.sum()) + new.rows
    if count > limits.rows:
        raise InvalidInput(
            f"With these, the dataset would have more than {limits.rows} rows.",
            code="too_many_rows",
            remedy="Publish it as several datasets.",
            zh=f"合并后数据集将超过 {limits.rows} 行。",
            remedy_zh="请分成几个数据集发布。",
        )
    every: Iterator[pa.RecordBatch] = chain(_filtered(last, schema, kept), new.batches())
    if made_ids is not None:
        schema, every = made_ids.added(schema, every, spool)
    order = UnitOrder(schema, unit, spool)
    for batch in every:
        order.add(batch)
    told = f"{int(kept.sum())} rows of the last version were kept, {int((~kept).sum())} replaced"
    return SortedRows(schema, order.rows, order.batches(), (*rows.told, told), rows.unfit, rows.left_out)


def _kept(last: StoredRows, new: UnitOrder, names: tuple[str, ...], spool: Spool) -> tuple[Mask, UnitOrder]:
    """Which rows of `last` have values in these columns that no new row has; and the new rows, which wait
    once more. Raises `InvalidInput` unless each row has a key, and no two have the same: else it would not
    say which row is replaced."""
    again = UnitOrder(new.schema, None, spool)
    keys = pa.schema([new.schema.field(name) for name in names])
    equal = EqualRows(keys, spool)
    for batch in _typed(last, keys):
        _require_filled(batch, names)
        equal.add(batch)
    for batch in new.batches():
        _require_filled(batch.select(list(names)), names)
        equal.add(batch.select(list(names)), marked=True)
        again.add(batch)
    kept = np.ones(last.count, np.bool_)
    for groups in equal.groups():
        marked, count = groups.column(MARKED).to_numpy(), groups.column(COUNT).to_numpy()
        if (marked > 1).any() or (count - marked > 1).any():
            raise _no_key(names)
        kept[groups.column(FIRST).to_numpy()[(count == 2) & (marked == 1)]] = False
    return kept, again


def _typed(last: StoredRows, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in last.reader(schema.names):
        yield batch.cast(schema)


def _filtered(last: StoredRows, schema: pa.Schema, kept: Mask) -> Iterator[pa.RecordBatch]:
    place = 0
    for batch in _typed(last, schema):
        yield batch.filter(pa.array(kept[place : place + len(batch)]))
        place += len(batch)


def _require_filled(keys: pa.RecordBatch, names: tuple[str, ...]) -> None:
    if any(column.null_count for column in keys.columns):
        raise _no_key(names)


def _other_columns() -> Conflict:
    return Conflict(
        "The last version has other columns.",
        code=BASE_CHANGED,
        remedy="Send all rows.",
        zh="最新版本的列不同。",
        remedy_zh="请提供全部数据行。",
    )


def _no_key(names: tuple[str, ...]) -> InvalidInput:
    return InvalidInput(
        f"The key ({', '.join(names)}) is empty in a row, or the same in several.",
        code="key_not_unique",
        remedy="Choose columns whose values together name one row.",
        zh=f"键（{'、'.join(names)}）在某些行中为空，或在多行中重复。",
        remedy_zh="请选择组合起来能唯一确定一行的列。",
    )
