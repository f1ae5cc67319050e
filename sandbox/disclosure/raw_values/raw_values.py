"""The digests, columns and names that are known of a run's raw inputs when its outputs are checked.
They stay in the vault."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from sandbox.catalog import DatasetPolicy
from sandbox.catalog.model import Role
from sandbox.disclosure.raw_values.raw_columns import RawColumns
from sandbox.disclosure.raw_values.raw_index import RawIndex


def _folded(name: str) -> str:
    return name.strip().casefold()


class RawValues:
    """The inputs of one run. `key` is the vault's own: whoever has it and an index can test guesses of
    values, nobody else can. `columns` are the numbers themselves, as secret as the rows.
    """

    def __init__(self, inputs: Sequence[tuple[pa.Table, DatasetPolicy]], key: bytes) -> None:
        self._hold([known_of(table, policy, key) for table, policy in inputs])

    @classmethod
    def of(cls, known: Sequence["KnownVersion"]) -> "RawValues":
        made = cls.__new__(cls)
        made._hold(known)
        return made

    def _hold(self, known: Sequence["KnownVersion"]) -> None:
        # an open dataset (no unit) has nothing to hide: its rows may be had by anybody
        self.indexes = tuple(one.index for one in known if one.index is not None)
        self.columns = tuple(one.columns for one in known if one.columns is not None)
        columns = [column for one in known if one.index is not None for column in one.policy.columns]
        self.key_names = frozenset(
            _folded(name)
            for column in columns
            if column.role is Role.KEY
            for name in _names(column.name, column.title)
        )
        self._identifying = (
            frozenset(_folded(column.name) for column in columns if column.role in (Role.UNIT, Role.HIDDEN))
            - self.key_names
        )
        self._names = frozenset(
            _folded(name) for column in columns for name in _names(column.name, column.title)
        )

    @property
    def units(self) -> int:
        """How many units the smallest input is about."""
        return min((index.units for index in self.indexes), default=0)

    def is_column(self, name: str) -> bool:
        return _folded(name) in self._names

    def is_key(self, name: str) -> bool:
        return _folded(name) in self.key_names

    def is_identifying(self, name: str) -> bool:
        """Whether a column of that name names units, or is hidden."""
        return _folded(name) in self._identifying


@dataclass(frozen=True)
class KnownVersion:
    """What is known of one dataset version: nothing of open data. Made once, it serves every run that read
    it."""

    policy: DatasetPolicy
    index: RawIndex | None
    columns: RawColumns | None


def known_of(table: pa.Table, policy: DatasetPolicy, key: bytes) -> KnownVersion:
    if len(key) < 16:
        raise ValueError("the key of the digests must have 16 bytes or more")
    if policy.unit is None:
        return KnownVersion(policy, None, None)
    return KnownVersion(policy, RawIndex(table, policy, key), RawColumns(table, policy))


def _names(name: str, title: object) -> tuple[str, ...]:
    return (name, str(getattr(title, "zh", "")), str(getattr(title, "en", "")))
