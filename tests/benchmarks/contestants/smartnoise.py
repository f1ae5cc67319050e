"""What does SmartNoise SQL say? On DuckDB, by its Postgres dialect; at the same unit, bounds and loss.

Its epsilon is per column of the answer, so it is set to what makes the whole question cost what ours costs.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import duckdb
from snsql import Privacy, from_connection

from benchmarks.contestants.turn import Ask, take_turns

# `hour` and `day` are words of its grammar, `BETWEEN` in WHERE and `DATE '...'` are none: asked
# in its own words, then
SQL = {
    "q2": (
        "SELECT district, hr, COUNT(*) AS n, SUM(fare) AS total, AVG(fare) AS mean "
        "FROM city.taps GROUP BY district, hr"
    ),
    "q6": "SELECT district, AVG(fare) AS mean FROM city.taps WHERE hr >= 7 AND hr <= 9 GROUP BY district",
    "q7": (
        "SELECT hr, COUNT(*) AS n, SUM(fare) AS total FROM city.taps "
        "WHERE age >= 60 AND ride_day >= '2026-09-15' GROUP BY hr"
    ),
}


class Cursor:
    """DuckDB's cursor as its Postgres reader wants one: it can be iterated over."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.cursor = cursor

    def execute(self, sql: str) -> None:
        self.cursor.execute(sql)

    @property
    def description(self) -> Any:
        return self.cursor.description

    def __iter__(self) -> Any:
        return iter(self.cursor.fetchall())


class Connection:
    """DuckDB's connection as a DB-API one: there is nothing to commit or to roll back."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def cursor(self) -> Cursor:
        return Cursor(self.connection)

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


def open_smartnoise(settings: Mapping[str, Any]) -> Ask:
    warnings.simplefilter("ignore")
    connection = duckdb.connect(config={"threads": settings["threads"]})
    connection.execute("CREATE SCHEMA city")
    connection.execute(
        "CREATE VIEW city.taps AS SELECT * RENAME (hour AS hr, day AS ride_day) "
        f"FROM read_parquet('{settings['taps']}')"
    )
    connection.execute(f"CREATE VIEW city.stops AS SELECT * FROM read_parquet('{settings['stops']}')")
    # sample_max_ids bounds by max_ids rows of a card; the keys are public (censor_dims), as they
    # are for all contestants
    metadata = {
        "": {
            "city": {
                "taps": {
                    "row_privacy": False,
                    "max_ids": settings["max_rows"],
                    "sample_max_ids": True,
                    "censor_dims": False,
                    "clamp_counts": False,
                    "clamp_columns": True,
                    "rows": settings["rows"],
                    "card": {"type": "int", "private_id": True},
                    "district": {"type": "string"},
                    "hr": {"type": "int", "lower": 0, "upper": 23},
                    "stop": {"type": "int"},
                    "ride_day": {"type": "datetime"},
                    "fare": {"type": "float", "lower": 0, "upper": 20},
                    "age": {"type": "int", "lower": 0, "upper": 100},
                }
            }
        }
    }

    def ask(question: str, sql: str) -> list[list[Any]]:
        own = SQL.get(question, sql)
        whole, delta = float(settings["epsilon"]), settings["delta"]
        reader = from_connection(
            Connection(connection),
            engine="postgres",
            metadata=metadata,
            privacy=Privacy(epsilon=1.0, delta=delta),
        )
        for_one, _ = reader.get_privacy_cost(own)
        reader = from_connection(
            Connection(connection),
            engine="postgres",
            metadata=metadata,
            privacy=Privacy(epsilon=whole / for_one, delta=delta),
        )
        return [list(row) for row in reader.execute(own)[1:]]

    return ask


if __name__ == "__main__":
    take_turns(open_smartnoise)
