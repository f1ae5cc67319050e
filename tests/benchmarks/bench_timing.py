"""Whether the computing time of a question tells that one person is in the table:
a permutation test on processor seconds.

Twins: two tables that differ in the rows of one unit, which has as many rows as count in full, with the
longest texts and the most extreme numbers that can be published. Each expensive question is computed on both
in turn, many times, each time in a fresh engine process; the ranks of the processor seconds are compared
(Mann and Whitney 1947, exact: a permutation test), at a false-alarm rate of 1e-6 for all questions together.
"""

import argparse
import io
import os
import sys
from dataclasses import replace
from random import Random

import pyarrow as pa
import pyarrow.parquet
from scipy.stats import mannwhitneyu

from benchmarks.timed_task import Timed
from sandbox.engines.process import EngineProcesses
from sandbox.engines.tasks import Compute, LoadPrivate
from sandbox.engines.work import totals_work
from sandbox.errors import QueryRefused
from sandbox.queries import Plan, bind, make_plan, parse
from sandbox.queries.plan.cost import require_affordable
from sandbox.queries.types.scope import Scope
from story import DATASET, VERSION

FALSE_ALARM = 1e-6
LONGEST_TEXT = 4000
QUESTIONS = (
    "SELECT COUNT(*) AS n FROM clinic.visits WHERE LENGTH(REPLACE(note, 'C', 'CCCCCCCCCC')) > 100",
    "SELECT COUNT(*) AS n FROM clinic.visits WHERE note LIKE '%C%D%C%D%'",
    "SELECT COUNT(*) AS n FROM clinic.visits WHERE UPPER(note) || LOWER(note) > 'n'",
    "SELECT COUNT(DISTINCT note) AS n FROM clinic.visits",
    "SELECT district, VARIANCE(cost) AS n FROM clinic.visits GROUP BY district",
    "SELECT MEDIAN(cost) AS n FROM clinic.visits WHERE visits > 1",
    "SELECT AVG(s) AS n FROM (SELECT person, SUM(cost) AS s FROM clinic.visits GROUP BY person)",
)


def table(rows: int, *, extreme: bool) -> pa.Table:
    chance = Random(rows)
    most = DATASET.unit.max_rows if DATASET.unit else 1
    people = [
        (
            f"p{person:07}",
            chance.choice(["north", "south"]),
            chance.randint(1, 3),
            chance.uniform(0, 100),
            chance.randint(0, 9),
            "note",
            True,
        )
        for person in range(rows)
    ]
    one = [("z", "north", 1, 1.7976931348623157e308, 9, "CD" * (LONGEST_TEXT // 2), True)] * most
    other = [("z", "north", 1, 50.0, 1, "", True)] * most
    columns = [list(column) for column in zip(*people, *(one if extreme else other), strict=True)]
    return pa.table(
        {
            "person": columns[0],
            "district": columns[1],
            "year": pa.array(columns[2], pa.int64()),
            "cost": pa.array(columns[3], pa.float64()),
            "visits": pa.array(columns[4], pa.int64()),
            "note": columns[5],
            "day": pa.nulls(len(columns[0]), pa.date32()),
            "smoker": columns[6],
        }
    )


def loaded(processes: EngineProcesses, rows: pa.Table) -> int:
    sink = io.BytesIO()
    pa.parquet.write_table(rows, sink)
    parquet = os.memfd_create("rows")
    os.write(parquet, sink.getvalue())
    file = processes.run(LoadPrivate(DATASET), [parquet], seconds=600, computing_seconds=600).file
    assert file is not None
    return file


def plan_of(sql: str, rows: int) -> Plan:
    version = replace(VERSION, policy=replace(DATASET, about_rows=rows))
    scope = Scope(version.policy)
    plan = make_plan(bind(parse(sql), scope), version, scope)
    require_affordable(plan)
    return plan


def main() -> None:
    """Print a line a question; exit with 1 where any of them tells."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=40)
    given = options.parse_args()
    processes, told = EngineProcesses(), False
    twins = [loaded(processes, table(given.rows, extreme=extreme)) for extreme in (False, True)]
    units = given.rows + 1
    for sql in QUESTIONS:
        try:
            plan = plan_of(sql, given.rows)
        except QueryRefused as refused:
            print(f"refused before      {sql}\n                    {refused.message}")
            continue
        work = Timed(Compute(totals_work(plan, count=given.rows, units=units), 2**31))
        seconds: list[list[float]] = [[], []]
        for _ in range(given.rounds):
            for twin, file in enumerate(twins):
                answer = processes.run(work, [file], seconds=600, computing_seconds=600).answer
                seconds[twin].append(float(answer))
        p = mannwhitneyu(*seconds, method="exact").pvalue
        told |= p < FALSE_ALARM / len(QUESTIONS)
        medians = [sorted(one)[len(one) // 2] for one in seconds]
        print(f"{medians[0]:.4f} {medians[1]:.4f} s  p {p:.2g}  {sql}")
    processes.close()
    print("told apart" if told else f"none is told apart at a false-alarm rate of {FALSE_ALARM:g}")
    sys.exit(int(told))


if __name__ == "__main__":
    main()
