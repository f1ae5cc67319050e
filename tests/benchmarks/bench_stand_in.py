"""How near do bought stand-in rows of the demo's `health.visits` come to its real rows, which are public?

Usage: python -m benchmarks.bench_stand_in [--epsilon 1] [--seed 1]

The counts are those that an officer buys, with noise of the size that the price certifies.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd

from counted_table import CountedTable
from health_rows import HEALTH_POLICY
from sandbox.catalog import Version
from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.catalog.policy_file import read_policy
from sandbox.standalone.demo_tables import VISITS, tidy
from sandbox.synthesis.buy_stand_in import bought_counts, divide
from sandbox.synthesis.fit import fit
from sandbox.synthesis.quality import quality
from sandbox.synthesis.sample import sample
from sandbox.synthesis.stand_in_accuracy import accuracy_figures
from sandbox.synthesis.trained import question, result, targets, train
from story import POLICIES

SHOWN = (
    ("coinsurance", "doctor_visits"),
    ("coinsurance", "spending"),
    ("health", "doctor_visits"),
    ("child", "doctor_visits"),
    ("site", "income"),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--epsilon", type=Fraction, default=Fraction(1))
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    policy = read_policy(HEALTH_POLICY, schema=POLICIES / "dataset.schema.json")
    assert policy.budget is not None
    version = Version(policy.dataset, 1, policy, "", "", "", "", datetime.now(UTC))
    rows = tidy(VISITS)
    prices = divide(version, policy.budget.loss(given.epsilon), trained=True)
    table = CountedTable(version, rows, seed=given.seed)
    marginals = bought_counts(policy, prices, table.ask)
    began = time.process_time()
    fitted = fit(policy, marginals)
    sampled = sample(version, fitted)
    seconds = time.process_time() - began
    report = accuracy_figures(policy, marginals, fitted, sampled)
    real, made = within_bounds(rows, policy), sampled.table.to_pandas()
    say(f"epsilon {given.epsilon}: {len(marginals)} questions; rows drawn in {seconds:.1f} s of CPU")
    for key, name in SHOWN:
        say(f"{name} by {key}, real -> stand-in (the counts with their 95 % error)")
        for group in report["group_means"]:
            if (group["key"], group["column"]) == (key, name):
                value = float(np.mean(real.loc[real[key].isin(group["values"]), name]))
                bought = "-" if group["bought"] is None else f"{group['bought']} +/- {group['error']}"
                say(f"  {', '.join(map(str, group['values']))}: {value:.4g} -> {group['made']} ({bought})")
    say(f"of all {len(report['group_means'])} group means: " + of_groups(report, real))
    say("correlations, real -> stand-in")
    measures = [column.name for column in policy.columns if column.bounds]
    for left, right in combinations(measures, 2):
        both = [frame[left].corr(frame[right]) for frame in (real, made)]
        say(f"  {left}, {right}: {both[0]:.2f} -> {both[1]:.2f}")
    say("deciles 1, 5, 9, real -> stand-in")
    for name in measures:
        at = [[f"{value:.4g}" for value in frame[name].quantile([0.1, 0.5, 0.9])] for frame in (real, made)]
        say(f"  {name}: {', '.join(at[0])} -> {', '.join(at[1])}")
    told = quality(marginals, sampled.places, fitted.classes, sampled.kept)
    pairs = [each for each in told if len(each["columns"]) == 2]
    say(
        f"{len(sampled.kept)} of {len(pairs)} pairs rise above the noise; pairs are "
        f"{100 * np.mean([each['distance'] for each in pairs]):.1f} % off the counts (noise "
        f"{100 * np.mean([each['noise'] for each in pairs]):.1f} %)"
    )
    for target in targets(policy, fitted, sampled.kept):
        model = train(target, policy, fitted, sampled)
        tested = result(model, table.ask(question(model, policy), prices.trained), sampled)
        say(f"trained on stand-in rows, tested on real ones: {tested}")


def of_groups(report: dict, real: pd.DataFrame) -> str:
    """How many lie within the error that stands beside them, and how far the rows are off."""
    inside, gaps = [], []
    for group in report["group_means"]:
        here = real[real[group["key"]].isin(group["values"])]
        exact, spread = here[group["column"]].mean(), real[group["column"]].std()
        if group["bought"] is not None:
            inside.append(abs(exact - group["bought"]) <= group["error"])
        if group["made"] is not None:
            gaps.append((abs(exact - group["made"]) / spread, len(here)))
    mean = np.average([gap for gap, _ in gaps], weights=[many for _, many in gaps])
    return (
        f"{len(inside)} can be told, and {100 * np.mean(inside):.0f} % of these hold the real mean within "
        f"their error; the rows' means are {mean:.3f} standard deviations off on average"
    )


def within_bounds(rows: pd.DataFrame, policy: DatasetPolicy) -> pd.DataFrame:
    """As questions see them."""
    bounds = {column.name: column.bounds for column in policy.columns if column.role is Role.MEASURE}
    clipped = {
        name: rows[name].clip(float(of.low), float(of.high)) for name, of in bounds.items() if of is not None
    }
    return rows.assign(**clipped)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
