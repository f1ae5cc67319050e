"""How long do the checks of a review take? A table of processor seconds and one JSON line; no verdict.

Usage: python -m benchmarks.bench_checks [--profile NAME]

`index` makes what is known of the raw rows, once for each version; the others are what each request costs:
the five tables of 4,900 rows, a text, a chart and a model near their largest sizes, and two tables
that are compared with each other for small differences.
"""

import argparse
import cProfile
import json
import pstats
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from good_outputs import CONTEXT, CONTROLS
from made_files import png_noise, safetensors_file
from review_people import POLICIES, make_people
from sandbox.disclosure.check_file import check_files
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.raw_values.raw_values import RawValues
from sandbox.disclosure.taxonomy import load_disclosure

ROWS = 4900
PEOPLE = 3000


def table(seed: int, rows: int = ROWS) -> bytes:
    """District, band and week; counts and four statistics, which is 49,000 cells with ten columns."""
    draw = np.random.default_rng(seed)
    lines = ["district,band,week,n,mean_visits,sd,share,mean_income,ci_low,ci_high"]
    for row in range(rows):
        mean, sd, share, income = draw.normal(3, 0.4), draw.gamma(2.0), draw.random(), draw.lognormal(9, 0.2)
        lines.append(
            f"d{row % 20},{row // 20 % 7},{row // 140},{5 * draw.integers(4, 400)},{mean:.4f},{sd:.4f},"
            f"{share:.4f},{income:.2f},{mean - sd / 9:.4f},{mean + sd / 9:.4f}"
        )
    return "\n".join(lines).encode()


def counts(seed: int) -> bytes:
    draw = np.random.default_rng(seed)
    lines = [f"d{row % 50},{row // 50},{5 * draw.integers(4, 400)}" for row in range(ROWS)]
    return "\n".join(["district,week,n", *lines]).encode()


def report(lines: int) -> bytes:
    draw = np.random.default_rng(1)
    said = (
        f"District {row % 20} has {draw.normal(3, 0.4):.3f} visits (n = {5 * draw.integers(4, 400)})."
        for row in range(lines)
    )
    return "\n".join(said).encode()


def requests() -> dict[str, dict[str, tuple[bytes, Declaration]]]:
    def declared(statbarn: str, supporting: bytes | None = None) -> Declaration:
        return Declaration(statbarn, CONTEXT, CONTROLS, supporting)

    return {
        "five tables of 4,900 rows": {f"t{n}.csv": (table(n), declared("mean")) for n in range(5)},
        "one table of 4,900 rows": {"t.csv": (table(1), declared("mean"))},
        "two tables of 4,900 counts": {
            f"c{n}.csv": (counts(n), declared("frequency_table")) for n in range(2)
        },
        "a text of 4,900 lines": {"report.txt": (report(ROWS), declared("documentation"))},
        "a picture of 5 MB": {"chart.png": (png_noise(1290), declared("line_chart"))},
        "a model of 5 MB": {
            "m.safetensors": (
                safetensors_file({"w": np.random.default_rng(0).normal(size=(1250, 1000)).astype("<f4")}),
                declared("neural_network", b"n\n3000\n"),
            )
        },
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    made = work()
    return time.process_time() - begun, made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile")
    wanted = parser.parse_args().profile
    rules = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS).at("3")
    people = make_people(PEOPLE)
    seconds, raw = timed(lambda: RawValues([people], b"a key of the vault's, for tests"))
    told = {"index": seconds}
    for name, files in requests().items():
        if wanted not in (None, name):
            continue
        profile = cProfile.Profile()
        if wanted:
            profile.enable()
        told[name], checked = timed(partial(check_files, files, rules, raw))
        profile.disable()
        if wanted:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
        findings = sum(len(one.findings) for one in checked.values())
        print(f"{name:<28} {told[name]:6.1f} s   {findings} findings")
    print(f"{'index of 3,000 rows':<28} {told['index']:6.1f} s")
    print(json.dumps({name: round(value, 2) for name, value in told.items()}))


if __name__ == "__main__":
    main()
