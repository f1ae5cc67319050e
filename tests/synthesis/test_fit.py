"""From counts to rows: what the counts say comes out again, and noise alone makes no dependence."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.catalog.model import Role
from sandbox.catalog.seeded_random import Chance
from sandbox.catalog.stand_in import schema
from sandbox.synthesis.categories import categories
from sandbox.synthesis.fit import column_shares, fit, nearest_shares, raked
from sandbox.synthesis.marginals import (
    Kind,
    Marginal,
    Question,
    classes_by_column,
    first_questions,
    pair_questions,
)
from sandbox.synthesis.quality import quality
from sandbox.synthesis.sample import sample, unit_sizes
from story import DATASET, VERSION

SIGMA = 20.0


def bought(question: Question, chance: np.random.Generator, table: np.ndarray | None = None) -> Marginal:
    """A noisy answer: noise alone, or `table` with noise."""
    exact = np.full(question.shape, 1000 / np.prod(question.shape)) if table is None else table
    noisy = exact + chance.normal(0, SIGMA, question.shape)
    return Marginal(question.kind, question.columns, question.shape, tuple(noisy.ravel()), SIGMA, 1)


def all_bought(seed: int, tables: dict[tuple[str, ...], np.ndarray] | None = None) -> list[Marginal]:
    chance = np.random.default_rng(seed)
    given_tables = tables or {}

    def table_of(question: Question) -> np.ndarray | None:
        table = given_tables.get(question.columns) if question.kind in (Kind.COLUMN, Kind.PAIR) else None
        if table is None and question.kind is Kind.PAIR:  # independent
            left, right = (np.bincount(classes[name], weights=shares[name]) for name in question.columns)
            return 1000 * np.outer(left, right)
        return table

    first = [bought(question, chance, table_of(question)) for question in first_questions(DATASET)]
    shares = column_shares(DATASET, first)
    classes = classes_by_column(DATASET, shares)
    return first + [
        bought(question, chance, table_of(question)) for question in pair_questions(DATASET, classes)
    ]


@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=40))
def test_shares_are_never_negative_and_add_up_to_one(counts: list[float]) -> None:
    shares = nearest_shares(np.array(counts))
    assert (shares >= 0).all() and shares.sum() == pytest.approx(1)


def test_shares_that_need_no_mending_stay() -> None:
    assert nearest_shares(np.array([30.0, 60.0, 10.0])) == pytest.approx([0.3, 0.6, 0.1])
    assert nearest_shares(np.array([-5.0, 60.0, 45.0])) == pytest.approx([0.0, 0.575, 0.425])


def test_a_table_gets_the_margins_that_were_bought() -> None:
    table = raked(np.array([[50.0, -3.0], [10.0, 40.0]]), np.array([0.3, 0.7]), np.array([0.6, 0.4]))
    assert table.sum(axis=1) == pytest.approx([0.3, 0.7], abs=1e-6) and table.sum(axis=0) == pytest.approx(
        [0.6, 0.4]
    )


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_makes_no_column_depend_on_another(seed: int) -> None:
    fitted = fit(DATASET, all_bought(seed))
    assert fitted.edges == ()
    if seed < 5:
        assert len(sample(VERSION, fitted).kept) <= 1, "of fifteen pairs"


def test_a_dependence_above_the_noise_is_kept_and_comes_out_in_the_rows() -> None:
    """Three districts, and in each of them another year."""
    tied = np.zeros((4, 4))
    tied[[0, 1, 2], [0, 1, 2]] = 333.0
    column = np.array([333.0, 333.0, 333.0, 0.0])
    fitted = fit(
        DATASET, all_bought(1, {("district", "year"): tied, ("district",): column, ("year",): column})
    )
    assert {frozenset((edge.parent, edge.child)) for edge in fitted.edges} == {
        frozenset(("district", "year"))
    }
    rows = sample(VERSION, replace(fitted, steady={})).table.to_pylist()
    same = [row for row in rows if row["district"] and row["year"]]
    right = sum(["north", "south", "east"].index(row["district"]) + 1 == row["year"] for row in same)
    assert right > 0.9 * len(same) > 0.8 * len(rows)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([1, 2, 5, 30]))
def test_whatever_was_bought_the_rows_are_within_the_policy(seed: int, people: int, most: int) -> None:
    assert DATASET.unit is not None
    policy = replace(DATASET, about_rows=people, unit=replace(DATASET.unit, max_rows=most))
    version = replace(VERSION, policy=policy)
    chance = np.random.default_rng(seed)
    first = [bought(question, chance, np.zeros(question.shape)) for question in first_questions(policy)]
    classes = classes_by_column(policy, column_shares(policy, first))
    fitted = fit(
        policy,
        first
        + [
            bought(question, chance, np.zeros(question.shape)) for question in pair_questions(policy, classes)
        ],
    )
    sampled = sample(version, fitted)
    table, places = sampled.table, sampled.places
    visible = [column for column in policy.columns if column.role is not Role.HIDDEN]
    assert table.num_rows == people and table.schema.equals(schema(visible))
    for column in visible:
        values = table[column.name].to_pylist()
        if column.required:
            assert None not in values
        present = [value for value in values if value is not None]
        if column.values:
            assert set(present) <= set(column.values)
        if column.bounds:
            assert all(column.bounds.low <= value <= column.bounds.high for value in present)
            assert all((value / float(column.bounds.step)).is_integer() for value in map(float, present))
        if column.name in places:
            empty = [categories(column)[place].empty for place in places[column.name]]
            assert [value is None for value in values] == empty
    units = table["person"].to_pylist()
    assert units == sorted(units) and all(unit.startswith("stand-in-residents-") for unit in units)
    assert max(len(list(rows)) for _, rows in itertools.groupby(units)) <= most


def test_a_column_that_never_changes_in_a_unit_does_not_change_in_one() -> None:
    fitted = replace(fit(DATASET, all_bought(3)), steady={"district": 1.0})
    frame = sample(VERSION, fitted).table.to_pandas()
    assert (frame.groupby("person")["district"].nunique() <= 1).all()
    assert (frame.groupby("person")["year"].nunique() > 1).any()


def test_units_with_the_last_number_told_have_that_or_more() -> None:
    sizes = unit_sizes(Chance("a"), np.array([0.0, 0.0, 1.0]), 1000, 5)
    assert sizes.sum() == 1000 and set(sizes[:-1]) == {3, 4, 5}
    assert set(unit_sizes(Chance("a"), np.array([0.0, 0.0, 1.0]), 999, 3)) == {3}


def test_quality_tells_the_distance_and_the_noises_own() -> None:
    marginals = all_bought(5)
    fitted = fit(DATASET, marginals)
    sampled = sample(VERSION, fitted)
    told = quality(marginals, sampled.places, fitted.classes, sampled.kept)
    by_column = {tuple(of["columns"]): of for of in told}
    assert len(by_column) == sum(marginal.kind in (Kind.COLUMN, Kind.PAIR) for marginal in marginals)
    for of in told:
        assert 0 <= of["distance"] <= 1 and 0 < of["noise"] <= 1
    # the mean of |Gaussian|: 4 cells of sigma 20 in about 1000 rows
    assert by_column["district",]["noise"] == pytest.approx(4 * 20 * 0.7979 / 2 / 1000, rel=0.15)
