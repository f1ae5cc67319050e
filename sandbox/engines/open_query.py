"""Runs a checked question on open rows: exactly, in a DuckDB of its own, within a time, an amount of memory and a number of rows.

The rows are public, so neither how long it takes nor how it fails can tell anything. The limits protect the service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import BoundedSemaphore, Timer
from typing import Any

import duckdb
import pyarrow as pa

from sandbox.catalog.shut_duckdb import SHUT
from sandbox.errors import InvalidInput, TooMany

MOST_SECONDS = 10.0
MOST_ROWS = 10_000
LIMITS = {**SHUT, "memory_limit": "512MB", "threads": "1"}
AT_ONCE, WAIT_SECONDS = BoundedSemaphore(2), 20.0
LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class OpenRows:
    """The columns by name and SQL type, and the rows."""

    columns: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]


def run_openly(sql: str, tables: Mapping[str, pa.Table]) -> OpenRows:
    """Run SQL that was checked (releases/open_data.py). Raises `InvalidInput` with the engine's words, `TooMany` under load."""
    if not AT_ONCE.acquire(timeout=WAIT_SECONDS):
        raise TooMany("Too many questions on open data are being answered.", mend="Ask again in a moment.",
                      zh="正在回答的开放数据问题过多。", mend_zh="请稍后再问。")
    try:
        return _run(sql, tables)
    finally:
        AT_ONCE.release()


def _run(sql: str, tables: Mapping[str, pa.Table]) -> OpenRows:
    with duckdb.connect(":memory:", config=LIMITS) as connection:
        for name, rows in tables.items():
            connection.register(name, rows)
        connection.execute("SET lock_configuration = true")
        late = Timer(MOST_SECONDS, connection.interrupt)
        late.start()
        try:
            found = connection.execute(sql)
            columns = tuple((name, str(kind)) for name, kind, *_ in found.description or [])
            rows = found.fetchmany(MOST_ROWS + 1)
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise InvalidInput(f"It takes more than {MOST_SECONDS:.0f} seconds, or more memory than a question on open data may.",
                               code="too_large", mend="Filter or group before joining.", internal=type(error).__name__,
                               zh=f"它需要超过 {MOST_SECONDS:.0f} 秒,或超过开放数据问题可用的内存。",
                               mend_zh="请先筛选或分组,再联表。") from None
        except duckdb.Error as error:
            said = str(error).partition("\n")[0][:LONGEST_MESSAGE]
            raise InvalidInput(f"The engine cannot answer it: {said}", code="query_refused",
                               mend="Change the SQL as it says; the dataset's page lists its columns.",
                               zh=f"引擎无法回答:{said}", mend_zh="请按提示修改 SQL;数据集页面列有各栏目。") from None
        finally:
            late.cancel()
            late.join()
    if len(rows) > MOST_ROWS:
        raise InvalidInput(f"The answer has more than {MOST_ROWS} rows.", code="too_large",
                           mend="Group, filter, or add LIMIT; the whole open dataset is in the marketplace.",
                           zh=f"回答超过 {MOST_ROWS} 行。", mend_zh="请分组、筛选或加上 LIMIT;整个开放数据集可在市场取得。")
    return OpenRows(columns, rows)
