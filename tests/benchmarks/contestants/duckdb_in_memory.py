"""What does DuckDB say of its own table in memory? The exact answer; it is loaded first, as ours is."""

from collections.abc import Mapping
from typing import Any

import duckdb

from benchmarks.contestants.turn import Ask, take_turns


def open_duckdb(settings: Mapping[str, Any]) -> Ask:
    connection = duckdb.connect(config={"threads": settings["threads"]})
    connection.execute("CREATE SCHEMA city")
    for table in ("taps", "stops"):
        connection.execute(f"CREATE TABLE city.{table} AS FROM read_parquet('{settings[table]}')")
    return lambda _, sql: connection.execute(sql).fetchall()


if __name__ == "__main__":
    take_turns(open_duckdb)
