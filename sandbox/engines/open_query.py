"""A checked question on open rows alone: computed exactly, in an engine process, within a time,
memory and a number of rows.

The rows are public, so neither how long it takes nor how it fails can tell anything, and the engine's words
may be shown. The limits protect the service: the process is ended at its limit wherever it is (process.py).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

import duckdb

from sandbox.catalog.locked_duckdb import SHUT
from sandbox.catalog.read_table import quoted
from sandbox.engines.process import EngineProcesses, TaskFailed
from sandbox.engines.table_file import TableFile
from sandbox.errors import InvalidInput

MOST_SECONDS = 10.0
MOST_ROWS = 10_000
ROWS_AT_ONCE, MOST_BYTES = 100, 4 * 2**20
MEMORY = "512MB"
TABLE = "rows_to_join"
"""The table of an open dataset's file, and of any file that is joined to another."""
LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class OpenTable:
    """A table as the question names it, and those of its columns that it may use."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class OpenRows:
    """The columns by name and SQL type, and the rows as JSON has them."""

    columns: tuple[tuple[str, str], ...]
    rows: list[list[Any]]


@dataclass(frozen=True)
class AnswerOpenly:
    """The task: checked SQL (queries/parse/open_question.py) over files in the order of `tables`."""

    sql: str
    tables: tuple[OpenTable, ...]

    def perform(self, files: Sequence[int]) -> tuple[bytes, None]:
        """`columns` and `rows`, or the reason why there are none, as JSON."""
        limits = {**SHUT, "memory_limit": MEMORY, "threads": "1", "enable_external_access": "true"}
        with duckdb.connect(":memory:", config=limits) as connection:
            for place, (table, descriptor) in enumerate(zip(self.tables, files, strict=True)):
                connection.execute(f"ATTACH '/proc/self/fd/{descriptor}' AS d{place} (READ_ONLY)")
                columns = ", ".join(map(quoted, table.columns))
                connection.execute(
                    f"CREATE TEMP VIEW {quoted(table.name)} AS SELECT {columns} FROM d{place}.{TABLE}"
                )
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            try:
                found = connection.execute(self.sql)
                columns_found = [(name, str(kind)) for name, kind, *_ in found.description or []]
                rows: list[tuple[Any, ...]] = []
                size = 0
                while (
                    size <= MOST_BYTES and len(rows) <= MOST_ROWS and (some := found.fetchmany(ROWS_AT_ONCE))
                ):
                    rows += some
                    size += len(json.dumps(some, default=_plain))
                if size > MOST_BYTES:
                    return json.dumps({"too_large": True}).encode(), None
            except duckdb.OutOfMemoryException:
                return json.dumps({"too_large": True}).encode(), None
            except duckdb.Error as error:
                return json.dumps({"said": str(error).partition("\n")[0][:LONGEST_MESSAGE]}).encode(), None
        return json.dumps({"columns": columns_found, "rows": rows}, default=_plain).encode(), None


def run_openly(
    processes: EngineProcesses, sql: str, tables: Sequence[OpenTable], files: Sequence[TableFile]
) -> OpenRows:
    """Run SQL that was checked. Raises `InvalidInput`, with the engine's words where it has any."""
    task = AnswerOpenly(sql, tuple(tables))
    try:
        done = processes.run(
            task,
            [file.descriptor for file in files],
            seconds=4 * MOST_SECONDS,
            computing_seconds=MOST_SECONDS,
        )
    except TaskFailed:
        raise _too_large() from None
    answer = json.loads(done.answer)
    if "too_large" in answer:
        raise _too_large()
    if "said" in answer:
        raise InvalidInput(
            f"The engine cannot answer it: {answer['said']}",
            code="query_refused",
            remedy="Change the SQL as it says; the dataset's page lists its columns.",
            zh=f"引擎无法回答：{answer['said']}",
            remedy_zh="请按提示修改 SQL；数据集页面列有各栏目。",
        )
    if len(answer["rows"]) > MOST_ROWS:
        raise InvalidInput(
            f"The answer has more than {MOST_ROWS} rows.",
            code="too_large",
            remedy="Group, filter, or add LIMIT; the whole open dataset is in the marketplace.",
            zh=f"回答超过 {MOST_ROWS} 行。",
            remedy_zh="请分组、筛选或加上 LIMIT；整个开放数据集可在市场取得。",
        )
    return OpenRows(tuple((name, kind) for name, kind in answer["columns"]), answer["rows"])


def _too_large() -> InvalidInput:
    return InvalidInput(
        f"It takes more than {MOST_SECONDS:.0f} seconds or more memory than a question on open data may, "
        "or its answer is too long.",
        code="too_large",
        remedy="Filter or group before joining.",
        zh=f"它需要超过 {MOST_SECONDS:.0f} 秒或超过开放数据问题可用的内存，或回答过长。",
        remedy_zh="请先筛选或分组，再联表。",
    )


def _plain(value: object) -> Any:
    """What JSON has no word for."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date() | time():
            return value.isoformat()
    return str(value)
