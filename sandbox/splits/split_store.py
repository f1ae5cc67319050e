"""The raw bucket as everybody reads it: without the people of live and final, while a split is committed.

This is the one place through which stored rows of a version are read. `rows` gives a version as it was found
in the catalogue: `Version.split` names the split by which it is filtered, so that what is kept in memory or
under a digest for one is never given for the other. `get` by an object's name filters by what is committed
now, so that a reader which knows no version is filtered, too. `whole` is for the vault's own writing, for
making a split and for scoring; `tests/splits/test_readers.py` lists who calls it.
"""

import json
from functools import lru_cache
from typing import BinaryIO
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from sqlalchemy import select

from sandbox.budgets.tables import population_splits
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy, Type, Version
from sandbox.catalog.tables import dataset_versions
from sandbox.errors import Conflict, Unavailable
from sandbox.ingest import IdRule
from sandbox.splits.assignment import Held
from sandbox.splits.tables import splits
from sandbox.storage import ObjectVersion, RawStore
from sandbox.storage.stores import StoredVersion


class SplitRawStore(RawStore):
    """`follow` must be called before the first read: until then nothing of a version is given."""

    _repository: DatasetRepository | None = None

    def follow(self, repository: DatasetRepository) -> None:
        """Filter by the splits of this catalogue."""
        self._repository = repository
        self._held = lru_cache(maxsize=4)(self._read_held)

    def rows(self, version: StoredVersion) -> bytes:
        """A version's rows as Parquet, without those of held people. Raises `Conflict` where a split was
        committed after the version was looked up, and where its ids cannot be compared with the split's."""
        if not isinstance(version, Version):
            raise TypeError("rows are read of a catalogue's version")
        active = self._active(version.policy.population) if version.policy.unit is not None else ""
        if active and version.split != active:
            raise Conflict(
                "The people of this dataset have been split meanwhile.",
                code="split_meanwhile",
                remedy="Try again: you then see train people.",
                zh="该数据集的人群刚刚被划分。",
                remedy_zh="请重试：此后只使用训练人群。",
            )
        body = self.whole(version)
        return self._filtered(body, version, UUID(version.split)) if version.split else body

    def get(self, name: str, version_id: str, sha256: str = "") -> bytes:
        """An object's bytes; of a version's rows those of people who are not held now."""
        body = super().get(name, version_id, sha256)
        version = self._version_at(name)
        return self._filtered(body, version, UUID(version.split)) if version and version.split else body

    def open(self, stored: ObjectVersion, piece_bytes: int = 8 * 1024**2) -> BinaryIO:
        """As `Bucket.open`; rows of a version whose people are split cannot be read in pieces."""
        version = self._version_at(stored.name)
        if version is not None and version.split:
            raise Conflict(
                "Rows of people who are split are read whole and filtered.",
                code="split_unread",
                remedy="Read them by the version.",
                zh="划分期间的数据行只能整体读取并过滤。",
                remedy_zh="请按版本读取。",
            )
        return super().open(stored, piece_bytes)

    def whole(self, version: StoredVersion) -> bytes:
        """All rows of a version, of everybody: for the vault's own use, never for an answer."""
        return super().get(version.object_name, version.object_version, version.sha256)

    def held(self, split: UUID) -> Held:
        """Who is in which part. It stays within the vault."""
        return self._held(split)

    def _filtered(self, body: bytes, version: Version, split: UUID) -> bytes:
        policy = version.policy
        if policy.unit is None:
            return body
        source, read_whole = self._source(split)
        if not comparable(policy, source):
            if version.dataset in read_whole:
                return body
            raise Conflict(
                f"{version.dataset} cannot be read while its population is split: its people have other ids "
                "than those of the split.",
                code="split_cannot_follow",
                remedy="Wait until the split is opened, or have the dataset's ids made by the same key.",
                zh=f"人群划分期间不能读取 {version.dataset}：其人员标识与划分所用的不同。",
                remedy_zh="请等待划分公开，或使该数据集使用相同的标识密钥。",
            )
        return without(body, policy, self.held(split).units)

    def _source(self, split: UUID) -> tuple[DatasetPolicy, frozenset[str]]:
        repository = self._following()
        with repository.database.transaction() as tx:
            row = tx.execute(select(splits).where(splits.c.id == split)).one()
            return repository.version(tx, row.dataset, row.number).policy, frozenset(row.read_whole)

    def _read_held(self, split: UUID) -> Held:
        with self._following().database.transaction() as tx:
            row = tx.execute(select(splits).where(splits.c.id == split)).one()
        document = json.loads(super().get(row.object_name, row.object_version, row.sha256))
        return Held(*(tuple(document["held"][part]) for part in ("live", "final", "reserve")))

    def _active(self, population: str) -> str:
        with self._following().database.transaction() as tx:
            found = tx.execute(
                select(population_splits.c.id).where(
                    population_splits.c.population == population, population_splits.c.state == "committed"
                )
            ).scalar_one_or_none()
        return "" if found is None else str(found)

    def _version_at(self, name: str) -> Version | None:
        repository = self._following()
        with repository.database.transaction() as tx:
            row = tx.execute(
                select(dataset_versions.c.dataset, dataset_versions.c.number).where(
                    dataset_versions.c.object_name == name
                )
            ).first()
            return None if row is None else repository.version(tx, row.dataset, row.number)

    def _following(self) -> DatasetRepository:
        if self._repository is None:
            raise Unavailable(
                "The raw bucket does not know yet whose rows it may give.",
                remedy="Start the vault again.",
                zh="原始数据桶尚未得知哪些数据行可读。",
                remedy_zh="请重新启动保险库。",
            )
        return self._repository


def comparable(policy: DatasetPolicy, source: DatasetPolicy) -> bool:
    """Whether two datasets of one population name a person by the same id. A text as it was written is one
    spelling of several, so it is only comparable with itself."""
    if policy.dataset == source.dataset and policy.ids == source.ids:
        return policy.pseudonyms == source.pseudonyms and _unit_type(policy) is _unit_type(source)
    exact = IdRule.EXACT in (policy.ids, source.ids) and _unit_type(policy) is Type.TEXT
    return policy.pseudonyms == source.pseudonyms and _unit_type(policy) is _unit_type(source) and not exact


def _unit_type(policy: DatasetPolicy) -> Type | None:
    column = policy.column(policy.unit.column) if policy.unit is not None else None
    return None if column is None else column.type


def without(body: bytes, policy: DatasetPolicy, units: frozenset[str]) -> bytes:
    """A version's Parquet without the rows of these people; the rest as it was, in its order."""
    assert policy.unit is not None
    table = pyarrow.parquet.read_table(pa.BufferReader(body))
    held = pc.is_in(unit_texts(table, policy.unit.column), value_set=pa.array(sorted(units), pa.string()))
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table.filter(pc.invert(held)), sink, compression="zstd", store_schema=False)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unit_texts(table: pa.Table, unit: str) -> pa.ChunkedArray:
    """The ids of people as text, whatever their type."""
    return pc.cast(table.column(unit), pa.string())
