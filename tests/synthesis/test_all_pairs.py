"""What rises above the noise comes out in the rows: in circles of columns, in group means, in numbers without
bounds; and the report says no more than can be known."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest

from counted_table import CountedTable
from sandbox.catalog.model import Column, DatasetPolicy, Role, Type, Version, Words
from sandbox.catalog.policy_file import read_policy
from sandbox.synthesis.buy_stand_in import bought_counts, divide
from sandbox.synthesis.categories import FREE_TYPES, categories, free_edges
from sandbox.synthesis.fit import Fit, fit, within
from sandbox.synthesis.marginals import Kind, Marginal
from sandbox.synthesis.quality import quality
from sandbox.synthesis.refine import MOST_FINE, cuts, owners, refined
from sandbox.synthesis.sample import Sampled, sample
from sandbox.synthesis.stand_in_accuracy import accuracy_figures
from sandbox.synthesis.trained import question, result, targets, train
from story import POLICIES, VERSION

POLICY = """
dataset: town.circle
title: {zh: 一, en: a}
summary: {zh: 一, en: a}
department: health
grade: "3"
source: {name: made up, licence: CC0-1.0}
about_rows: 4000
population: residents
unit: {column: who, kind: person, max_rows: 3}
budget: {delta: "1e-6", dataset_epsilon: "80", grant_epsilon: "4", question_epsilon: "0.5"}
columns:
  who: {role: unit, type: integer}
  a: {role: key, type: integer, values: [0, 1, 2]}
  b: {role: key, type: integer, values: [0, 1, 2]}
  c: {role: key, type: integer, values: [0, 1, 2]}
  d: {role: key, type: integer, values: [0, 1, 2]}
  pay: {role: measure, type: number, bounds: [0, 1000], step: "0.5", required: true}
  born: {role: attribute, type: date}
  wage: {role: attribute, type: number, required: true}
  remark: {role: attribute, type: text}
"""
TOWN = read_policy(POLICY, schema=POLICIES / "dataset.schema.json")
TOWN_VERSION = replace(VERSION, dataset="town.circle", policy=TOWN)


def town(seed: int = 5, people: int = 2000) -> pd.DataFrame:
    """Three rows a person. Each of a, b, c, d depends on the next, and d on a against what the chain would
    do: no forest can have it. Pay depends on a and c; wage on d; who is born when is constant in a
    person."""
    chance = np.random.default_rng(seed)
    rows = people * 3
    who = np.repeat(np.arange(people), 3)
    a = chance.integers(0, 3, people)[who]

    def near(of: np.ndarray, by: int) -> np.ndarray:
        return np.where(chance.random(rows) < 0.6, (of + by) % 3, chance.integers(0, 3, rows))

    b = near(a, 0)
    c = near(b, 0)
    d = np.where(chance.random(rows) < 0.5, near(c, 0), (a + 1) % 3)
    pay = np.clip(chance.exponential(30 + 60 * a + 40 * c), 0, 1000)
    wage = np.exp(chance.normal(7 + 0.8 * d, 0.5)).round(2)
    born = pd.to_datetime("1950-01-01") + pd.to_timedelta(chance.integers(0, 18_000, people)[who], unit="D")
    remark = np.where(chance.random(rows) < 0.3, None, "x")
    table = {"who": who, "a": a, "b": b, "c": c, "d": d, "pay": (pay * 2).round() / 2, "born": born.date}
    return pd.DataFrame({**table, "wage": wage, "remark": remark})


class Made:
    """The town's rows, what was bought of them, and what was made of that."""

    def __init__(self, epsilon: int) -> None:
        assert TOWN.budget is not None
        self.rows = town()
        self.table = CountedTable(TOWN_VERSION, self.rows)
        self.prices = divide(TOWN_VERSION, TOWN.budget.loss(Fraction(epsilon)), trained=True)
        self.marginals: list[Marginal] = bought_counts(TOWN, self.prices, self.table.ask)
        self.fitted: Fit = fit(TOWN, self.marginals)
        self.sampled: Sampled = sample(TOWN_VERSION, self.fitted)
        self.frame = self.sampled.table.to_pandas()
        self.report = accuracy_figures(TOWN, self.marginals, self.fitted, self.sampled)


@pytest.fixture(scope="module")
def made() -> Made:
    return Made(20)


def joint(frame: pd.DataFrame, left: str, right: str) -> np.ndarray:
    return pd.crosstab(frame[left], frame[right], normalize=True).to_numpy()


def test_all_pairs_of_a_circle_are_kept_within_the_noise(made: Made) -> None:
    """Total variation distance to the exact shares: at most the noise of the counts and three hundredths."""
    noise = {tuple(each["columns"]): each["noise"] for each in told(made) if len(each["columns"]) == 2}
    circle = list(combinations("abcd", 2))
    off = {pair: np.abs(joint(made.rows, *pair) - joint(made.frame, *pair)).sum() / 2 for pair in circle}
    assert all(off[pair] < noise[pair] + 0.03 for pair in circle), (off, noise)
    # d follows a against the chain a, b, c, d: what a forest leaves out is there
    against = joint(made.frame, "a", "d")
    assert sum(against[at, (at + 1) % 3] for at in range(3)) > 0.45, "a forest has about a third"


def told(made: Made) -> list[dict]:
    return quality(made.marginals, made.sampled.places, made.fitted.classes, made.sampled.kept)


def test_means_of_groups_follow_all_that_they_depend_on(made: Made) -> None:
    for key in ("a", "c"):
        exact, rows = (frame.groupby(key)["pay"].mean() for frame in (made.rows, made.frame))
        assert rows.to_numpy() == pytest.approx(exact.to_numpy(), rel=0.15)
    groups = [each for each in made.report["group_means"] if each["column"] == "pay" and each["key"] in "ac"]
    assert len(groups) == 6
    for group in groups:
        exact = made.rows.loc[made.rows[group["key"]].isin(group["values"]), "pay"].mean()
        assert abs(group["bought"] - exact) <= group["error"], "the counts' own error holds"
        assert abs(group["made"] - group["bought"]) <= 2 * group["error"]


def test_numbers_and_dates_without_bounds_follow_counts_that_were_bought(made: Made) -> None:
    exact, rows = (frame["wage"].quantile([0.1, 0.5, 0.9]).to_numpy() for frame in (made.rows, made.frame))
    assert rows == pytest.approx(exact, rel=0.1)
    assert made.frame["wage"].max() < 2 * made.rows["wage"].max(), "no luck at large magnitudes"
    by_d = made.frame.groupby("d")["wage"].mean()
    assert by_d[0] < by_d[1] < by_d[2], "pairs hold for them, too"
    born = pd.to_datetime(made.frame["born"])
    real = pd.to_datetime(made.rows["born"])
    for share in (0.1, 0.5, 0.9):
        assert abs((born.quantile(share) - real.quantile(share)).days) < 600
    one = made.frame.dropna(subset=["born"]).groupby("who")["born"]
    assert (one.max() == one.min()).mean() > 0.9, "what is constant in a person stays so"


def test_values_inside_a_part_follow_finer_counts(made: Made) -> None:
    assert "pay" in made.fitted.narrower
    inside = [frame[frame["pay"].between(125, 249.5)]["pay"] for frame in (made.rows, made.frame)]
    assert inside[1].mean() == pytest.approx(inside[0].mean(), rel=0.03)


def test_deciles_lie_within_the_ends_that_stand_beside_them(made: Made) -> None:
    [of_pay] = [each["deciles"] for each in made.report["deciles"] if each["column"] == "pay"]
    exact = made.rows["pay"].quantile(np.arange(1, 10) / 10).to_numpy()
    for decile, value in zip(of_pay, exact, strict=True):
        assert decile["at_least"] - 2 <= value <= decile["at_most"] + 2
        assert decile["at_least"] <= decile["bought"] <= decile["at_most"]
    [of_born] = [each["deciles"] for each in made.report["deciles"] if each["column"] == "born"]
    assert all(isinstance(decile["made"], str) for decile in of_born)


def test_columns_without_kept_structure_are_named(made: Made) -> None:
    lost = {each["column"]: each["why"] for each in made.report["lost"]}
    assert "only_emptiness" in lost["remark"] and "magnitudes" in lost["wage"] and "a" not in lost
    kept = {tuple(each["columns"]): each["kept"] for each in told(made) if len(each["columns"]) == 2}
    assert kept["a", "d"] and kept["a", "pay"] and not kept["b", "remark"]


def test_a_model_that_learned_on_the_rows_is_tested_on_real_ones(made: Made) -> None:
    """Its figures are those of the exact table, within their error, and better than naming the more
    frequent."""
    found = targets(TOWN, made.fitted, made.sampled.kept)
    assert "pay" in {target.column.name for target in found}
    for target in found:
        model = train(target, TOWN, made.fitted, made.sampled)
        asked = question(model, TOWN)
        answer = result(model, made.table.ask(asked, made.prices.trained), made.sampled)
        exact = np.zeros((2, 2))
        for predicted, actual, count in made.table.duckdb.execute(asked.sql).fetchall():
            exact[predicted, actual] = count
        gain = (exact.trace() - exact.sum(axis=0).max()) / exact.sum()
        assert abs((answer["right"] - answer["baseline"]) - gain) <= answer["error"] + 0.002
        assert answer["on_stand_in"] == pytest.approx(answer["right"], abs=0.1)
        if target.column.name == "pay":
            assert answer["right"] > answer["baseline"] + 0.1


def test_where_noise_hides_everything_nothing_is_told_or_made_up() -> None:
    weak = Made(1)
    weak.marginals = [
        replace(each, sigma=each.sigma * 100) if each.kind is Kind.PAIR else each for each in weak.marginals
    ]
    fitted = fit(TOWN, weak.marginals)
    sampled = sample(TOWN_VERSION, fitted)
    report = accuracy_figures(TOWN, weak.marginals, fitted, sampled)
    assert not sampled.kept
    assert all(each["bought"] is None for each in report["group_means"])
    assert all(each["bought"] is None for each in report["correlations"])
    named = {each["column"] for each in report["lost"] if "no_dependence" in each["why"]}
    assert named == {column.name for column in TOWN.columns if column.role is not Role.UNIT}


@pytest.mark.parametrize("kind", FREE_TYPES)
def test_a_column_without_bounds_is_cut_without_a_gap(kind: Type) -> None:
    column = Column("x", Role.ATTRIBUTE, kind, Words("", ""), "3")
    edges, parts = free_edges(column), categories(column)
    assert edges == sorted(set(edges)) and all(abs(edge) <= 2**62 for edge in edges)
    assert [(part.first, part.last + 1) for part in parts[1:]] == list(pairwise(edges))


def test_usual_values_that_the_officer_states_are_cut_even_and_finely() -> None:
    policy = town_with("wage: {typical: {lowest: 0, highest: 14000, median: 2000, known_from: a}, role")
    wage = policy.column("wage")
    assert wage is not None
    points = [edge / 10**6 for edge in free_edges(wage)]
    assert points[1:-1] == [1000 * at for at in range(15)] and points[0] == -14000 and points[-1] == 28000


def town_with(wage: str) -> DatasetPolicy:
    return read_policy(POLICY.replace("wage: {role", wage), schema=POLICIES / "dataset.schema.json")


def test_narrower_parts_are_of_their_category_and_keep_its_share(made: Made) -> None:
    counts = {each.columns[0]: each for each in made.marginals if each.kind is Kind.COLUMN}
    for name, parts in refined(TOWN, made.fitted.shares, counts).items():
        column = TOWN.column(name)
        assert column is not None and len(parts) <= MOST_FINE
        of, shares = owners(categories(column), parts), made.fitted.shares[name]
        assert (np.diff(of) >= 0).all() and set(of) == set(range(len(shares)))
        finer = within(np.random.default_rng(1).normal(5, 10, len(parts)), of, shares)
        assert np.bincount(of, weights=finer) == pytest.approx(shares, abs=1e-9) and (finer >= 0).all()
    assert set(cuts(categories(column), shares * 0, 100.0, 1.0)) == {1}, "an empty part is not cut"


def test_the_same_counts_give_the_same_rows(made: Made) -> None:
    assert sample(TOWN_VERSION, made.fitted).table.equals(made.sampled.table)
    other: Version = replace(TOWN_VERSION, number=2)
    assert not sample(other, made.fitted).table.equals(made.sampled.table)
