"""Says of what a derived version was made: which versions of which datasets, by which SQL, and from which of
their columns each of its own. It is public, as policies are, and tells nothing of rows."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError


def with_versions(sql: str, numbers: Mapping[str, int]) -> str:
    """The SQL with other versions of the datasets that it reads: `schema.name@1` with those of `numbers`."""
    parts, end = [], 0
    for dataset, start, stop in _versions_in(sql):
        if dataset in numbers:
            parts += [sql[end:start], f"@{numbers[dataset]}"]
            end = stop
    return "".join([*parts, sql[end:]])


def unversioned(sql: str) -> str:
    """The SQL without the numbers of the versions that it reads: what its columns mean."""
    return with_versions(sql, {dataset: 0 for dataset, _, _ in _versions_in(sql)})


def _versions_in(sql: str) -> list[tuple[str, int, int]]:
    """Each dataset that stands as `schema.name@2`, and where its `@2` begins and ends."""
    try:
        tokens = Dialect.get_or_raise("duckdb").tokenize(sql)
    except SqlglotError:
        return []
    found = []
    for first in range(len(tokens) - 4):
        schema, dot, name, at, number = tokens[first : first + 5]
        together = at.start == name.end + 1 and number.start == at.end + 1
        if dot.text == "." and at.text == "@" and number.text.isdigit() and together:
            found.append((f"{schema.text}.{name.text}".lower(), at.start, number.end + 1))
    return found


@dataclass(frozen=True)
class DerivedFrom:
    """One version that was read."""

    dataset: str
    version: int
    department: str

    @property
    def name(self) -> str:
        return f"{self.dataset}@{self.version}"


@dataclass(frozen=True)
class Lineage:
    """`columns`: of each column, those of the inputs that its values come from, as `schema.dataset.column`;
    of a number of rows it is the unit's. `filters`: those that choose rows. `pseudonyms`: under which keys
    the ids of the inputs, and so those of the result, are pseudonyms (`DatasetPolicy.pseudonyms`)."""

    inputs: tuple[DerivedFrom, ...]
    sql: str
    columns: Mapping[str, tuple[str, ...]]
    filters: tuple[str, ...] = ()
    pseudonyms: tuple[tuple[str, ...], ...] = ()

    @property
    def sql_sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def record(self) -> dict[str, Any]:
        """As it is stored with the version."""
        return self.document | {"pseudonyms": [list(key) for key in self.pseudonyms]}

    @property
    def document(self) -> dict[str, Any]:
        """As the catalogue shows it."""
        return {
            "inputs": [
                {"dataset": each.dataset, "version": each.version, "department": each.department}
                for each in self.inputs
            ],
            "sql": self.sql,
            "sql_sha256": self.sql_sha256,
            "columns": {name: list(of) for name, of in self.columns.items()},
            "filters": list(self.filters),
        }


def lineage_of(record: Mapping[str, Any] | None) -> Lineage | None:
    """What is stored with a version; None where it was published from a file."""
    if record is None:
        return None
    return Lineage(
        tuple(DerivedFrom(**each) for each in record["inputs"]),
        record["sql"],
        {name: tuple(of) for name, of in record["columns"].items()},
        tuple(record["filters"]),
        tuple(tuple(key) for key in record["pseudonyms"]),
    )
