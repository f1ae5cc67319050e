"""What does the seal of a run cost a program on pandas and DuckDB,
and how much later does its first line run?

Usage: python -m benchmarks.bench_seal [--rows 3000000] [--rounds 7]

The same text, interpreter, environment and Parquet file, alone and in the seal, in turns; each round's
seconds are the program's own, from its first line to its last, and from its start to its first line.
The last line is JSON.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.taps import make_taps
from sandbox.jobs import run_folder
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.run_folder import RunFolder
from sandbox.jobs.run_seal import run_seal
from sandbox.jobs.sealed_run import SealedRun
from sandbox.seals import Bubblewrap, Seal, interpreter
from workspace import KERNEL_PYTHON

MIB = 1024 * 1024
PROGRAM = """
import time
first = time.time()
import json, os
import duckdb
import pandas as pd

path = os.path.join(os.environ["CIHU_INPUTS"], "taps.parquet")
parts = {"import": time.time() - first}

began = time.time()
rows = pd.read_parquet(path)
column, number = rows.columns[0], rows.select_dtypes("number").columns[-1]
for key in rows.columns[1:4]:
    rows.groupby(key)[number].agg(["size", "mean", "std"])
top = rows.sort_values(number).head(1000).merge(rows.drop_duplicates(column), on=column)
top.to_csv(os.path.join(os.environ["CIHU_OUTBOX"], "t.csv"))
parts["pandas"] = time.time() - began

began = time.time()
base = duckdb.connect()
base.execute("SET threads = 2")
base.execute(f"CREATE VIEW taps AS FROM read_parquet('{path}')")
for key in rows.columns[1:4]:
    base.sql(f'SELECT "{key}", count(*), avg("{number}"), count(DISTINCT "{column}") FROM taps GROUP BY 1').fetchall()
base.sql(f'COPY (SELECT "{column}", sum("{number}") AS s FROM taps GROUP BY 1 ORDER BY 2 DESC LIMIT 5000) '
         f"TO '{os.environ['CIHU_OUTBOX']}/d.parquet'")
parts["duckdb"] = time.time() - began
print(json.dumps({"first": first, "all": time.time() - first, **parts}))
"""  # noqa: E501


def alone(place: RunFolder, seal: Seal) -> dict[str, float]:
    environment = dict(seal.environment) | {
        "CIHU_INPUTS": str(place.inputs),
        "CIHU_OUTBOX": tempfile.gettempdir(),
        "HOME": tempfile.gettempdir(),
    }
    started = time.time()
    done = subprocess.run(
        [KERNEL_PYTHON, place.program / "main.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return told(done.stdout, started)


def sealed(place: RunFolder, seal: Seal) -> dict[str, float]:
    started = time.time()
    ending = SealedRun(Bubblewrap(), seal, place).run(600, Cancellation())
    if ending.status:
        raise SystemExit(ending.said.decode())
    return told(ending.said.decode(), started)


def told(said: str, started: float) -> dict[str, float]:
    parts: dict[str, float] = json.loads(said.strip().splitlines()[-1])
    return {name: seconds for name, seconds in parts.items() if name != "first"} | {
        "to_first_line": parts["first"] - started
    }


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(one[name] for one in rounds), 3) for name in rounds[0]}


def measure(rows: int, rounds: int, cache: Path) -> dict[str, Any]:
    runs = Path(tempfile.mkdtemp(prefix="cb"))
    runs.chmod(0o711)
    place = run_folder.make(runs, "bench")
    try:
        place.write_program({"main.py": PROGRAM})
        shutil.copyfile(make_taps(cache, rows).taps, place.inputs / "taps.parquet")
        (place.inputs / "taps.parquet").chmod(0o444)
        seal = run_seal(
            run="bench",
            entry="main.py",
            python=KERNEL_PYTHON,
            interpreter=interpreter(KERNEL_PYTHON),
            folder=place,
            memory_bytes=4096 * MIB,
            limit_seconds=600,
        )
        alone(place, seal), sealed(place, seal)  # the files are in the machine's memory for both
        bare, inside = [], []
        for number in range(rounds):
            for measured, kept in ((alone, bare), (sealed, inside))[:: 1 if number % 2 else -1]:
                kept.append(measured(place, seal))
    finally:
        shutil.rmtree(runs, ignore_errors=True)
    ratios = [one["all"] / other["all"] for one, other in zip(inside, bare, strict=True)]
    return {
        "rows": rows,
        "rounds": rounds,
        "processors": os.cpu_count(),
        "alone_seconds": medians(bare),
        "sealed_seconds": medians(inside),
        "overhead_percent": round(100 * (median(ratios) - 1), 1),
        "later_first_line_seconds": round(
            medians(inside)["to_first_line"] - medians(bare)["to_first_line"], 3
        ),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cache", type=Path, default=Path(".bench"))
    given = parser.parse_args(arguments)
    print(json.dumps(measure(given.rows, given.rounds, given.cache)))


if __name__ == "__main__":
    main()
