"""What does DuckDB say with no privacy at all? The exact answer, from the Parquet as it came."""

from collections.abc import Mapping
from typing import Any

import duckdb

from benchmarks.contestants.turn import Ask, take_turns


def open_duckdb(settings: Mapping[str, Any], made: str = "VIEW") -> Ask:
    """`made`: what the Parquet is read into, a VIEW or a TABLE."""
    connection = duckdb.connect(config={"threads": settings["threads"]})
    connection.execute("CREATE SCHEMA city")
    for table in ("taps", "stops"):
        connection.execute(f"CREATE {made} city.{table} AS SELECT * FROM read_parquet('{settings[table]}')")
    return lambda _, sql: connection.execute(sql).fetchall()


if __name__ == "__main__":
    take_turns(open_duckdb)
