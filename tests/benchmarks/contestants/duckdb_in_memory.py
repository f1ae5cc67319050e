"""What does DuckDB say of its own table in memory? The exact answer; it is loaded first, as ours is."""

from functools import partial

from benchmarks.contestants.plain_duckdb import open_duckdb
from benchmarks.contestants.turn import take_turns

if __name__ == "__main__":
    take_turns(partial(open_duckdb, made="TABLE"))
