"""How long does publishing take, by step, and how much memory?
The taps as an officer brings them: CSV, then Parquet."""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet

from benchmarks.ground import small_city
from benchmarks.taps import make_taps
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.profile import profile
from sandbox.catalog.publish import to_parquet
from sandbox.catalog.read_table import read_file
from sandbox.ingest import IdRule
from story import POLICIES


def body_of(folder: Path, rows: int, kind: str) -> bytes:
    taps = make_taps(folder, rows)
    if kind == "parquet":
        return taps.taps.read_bytes()
    path = folder / f"taps-{rows}.csv"
    if not path.exists():
        pyarrow.csv.write_csv(pyarrow.parquet.read_table(taps.taps), path)
    return path.read_bytes()


def steps(folder: Path, rows: int, kind: str) -> None:
    """One publish in this process, a line for each step; then the whole, through the catalogue."""
    body = body_of(folder, rows, kind)
    text = make_taps(folder, rows).policy
    policy = read_policy(text, schema=POLICIES / "dataset.schema.json")
    began = time.monotonic()
    table = read_file(body, policy, ids=IdRule.NORMALISED).table
    said = [("read, check and sort", time.monotonic() - began)]
    began = time.monotonic()
    profile(table, policy)
    said.append(("profile", time.monotonic() - began))
    began = time.monotonic()
    size = len(to_parquet(table))
    said.append(("write Parquet", time.monotonic() - began))
    del table
    for name, seconds in said:
        print(f"  {name:28} {seconds:6.2f} s")
    with small_city(durable=False) as (story, _, _s3):
        began = time.monotonic()
        story.publish(body, text)
        took = time.monotonic() - began
        print(f"  {'publish, all':28} {took:6.2f} s   ({len(body) >> 20} MiB in, {size >> 20} MiB stored)")
        version = story.repository.current("city.taps")
        began = time.monotonic()
        story.context.engine.warm(version)
        print(f"  {'load for questions':28} {time.monotonic() - began:6.2f} s")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/cihu-bench"))
    parser.add_argument("--kind", choices=("csv", "parquet"))
    asked = parser.parse_args()
    if asked.kind:
        return steps(asked.folder, asked.rows, asked.kind)
    body_of(asked.folder, asked.rows, "csv")
    for kind in ("csv", "parquet"):
        print(f"{asked.rows} rows as {kind}", flush=True)
        subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.bench_publish",
                "--rows",
                str(asked.rows),
                "--folder",
                str(asked.folder),
                "--kind",
                kind,
            ],
            check=True,
        )
    return None


if __name__ == "__main__":
    main()
