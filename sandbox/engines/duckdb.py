"""How does DuckDB compute totals? In memory, on one version's rows, shut off from files, network and extensions."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import duckdb
import pyarrow as pa
import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.engines.model import Cells
from sandbox.queries import Plan, compile_plan
from sandbox.queries.compile import TABLE
from sandbox.storage import RawStore

TABLES_IN_MEMORY = 8
SHUT: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    "allow_community_extensions": "false", "python_enable_replacements": "false", "threads": "2",
}


class DuckDBEngine:
    """Reads a version's Parquet from the raw store once, keeps the last few in memory."""

    def __init__(self, store: RawStore) -> None:
        self.store = store
        self._rows = lru_cache(maxsize=TABLES_IN_MEMORY)(self._load)

    def totals(self, plan: Plan) -> Cells:
        version = plan.version
        return compute(plan, self._rows(version.object_name, version.object_version))

    def warm(self, version: Version) -> None:
        """Load a version before anybody asks, so that the first question is no slower than the next."""
        self._rows(version.object_name, version.object_version)

    def _load(self, object_name: str, object_version: str) -> pa.Table:
        return pyarrow.parquet.read_table(io.BytesIO(self.store.get(object_name, object_version)))


def compute(plan: Plan, rows: pa.Table) -> Cells:
    """Run a plan's statements on `rows`: exact integers for every public cell, 0 where no row fell."""
    answer: Cells = {}
    with _shut_connection() as connection:
        connection.register(TABLE, rows)
        connection.execute("SET lock_configuration = true")
        for statement in compile_plan(plan):
            cells = [[0] * plan.cells for _ in statement.totals]
            for found in connection.execute(statement.sql).fetchall():
                place = _place(plan, found[: len(plan.keys)])
                for index, value in enumerate(found[len(plan.keys):]):
                    cells[index][place] = int(value or 0)
            answer |= dict(zip(statement.totals, cells, strict=True))
    return answer


def _place(plan: Plan, codes: tuple[int, ...]) -> int:
    place = 0
    for key, code in zip(plan.keys, codes, strict=True):
        place = place * len(key.values) + int(code)
    return place


@contextmanager
def _shut_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config=SHUT) as connection:
        yield connection
