"""A column's categories: public, few, and every value in exactly one,
in SQL as in the rows that are made of them."""

from fractions import Fraction
from itertools import pairwise
from math import prod

import numpy as np
import pytest

from health_rows import HEALTH_POLICY
from sandbox.catalog.model import Bounds, Column, Role, Type, Words
from sandbox.catalog.policy_file import read_policy
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.types.scope import Scope
from sandbox.synthesis.categories import MOST_PARTS, categories, grid_edges
from sandbox.synthesis.marginals import (
    classes_by_column,
    classes_of,
    first_questions,
    pair_questions,
    pairs,
    telling,
)
from story import DATASET, POLICIES, VERSION

HEALTH = read_policy(HEALTH_POLICY, schema=POLICIES / "dataset.schema.json")


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [
        (0, 30, "1"),
        (0, 2000, "0.5"),
        (-20, 20, "0.1"),
        (5, 9, "1"),
        (0, 1, "0.01"),
        (0, 2**40, "1"),
        (-3, 4, "0.000001"),
        (0, 16, "1"),
        (0, 17, "1"),
    ],
)
def test_a_measures_grid_is_cut_without_a_gap_into_few_parts(low: int, high: int, step: str) -> None:
    bounds = Bounds(Fraction(low), Fraction(high), Fraction(step))
    edges = grid_edges(bounds)
    assert edges == sorted(set(edges)) and len(edges) - 1 <= MOST_PARTS + 1
    assert edges[0] == bounds.low / bounds.step and edges[-1] - 1 == bounds.high / bounds.step
    parts = categories(
        Column("x", Role.MEASURE, Type.NUMBER, Words("", ""), "3", bounds=bounds, required=True)
    )
    assert [(part.first, part.last + 1) for part in parts] == list(pairwise(edges))


@pytest.mark.parametrize("policy", [DATASET, HEALTH], ids=["clinic", "health"])
def test_every_question_is_one_that_an_analyst_could_ask_and_its_groups_are_the_tables_cells(policy) -> None:
    scope = Scope(policy)
    sizes = {column.name: len(categories(column)) for column in telling(policy)}
    classes = {name: classes_of(np.full(size, 1 / size)) for name, size in sizes.items()}
    asked = [*first_questions(policy), *pair_questions(policy, classes)]
    assert len(asked) == 1 + 2 * len(telling(policy)) + len(pairs(policy))
    for question in asked:
        plan = make_plan(bind(parse(question.sql), scope), VERSION, scope)
        assert [key.values for key in plan.keys] == [tuple(range(size)) for size in question.shape], (
            question.sql
        )
        assert len(plan.totals) == 1


def test_names_and_values_that_would_break_careless_sql_are_quoted() -> None:
    text = (
        "dataset: order.select\ntitle: {zh: 一, en: a}\nsummary: {zh: 一, en: a}\n"
        'department: health\ngrade: "3"\n'
        "source: {name: a, licence: CC0-1.0}\nabout_rows: 10\npopulation: residents\n"
        "unit: {column: group, kind: person, max_rows: 2}\n"
        'budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", '
        'question_epsilon: "0.5"}\ncolumns:\n'
        "  group: {role: unit, type: text}\n"
        '  from: {role: key, type: text, values: ["it\'s", "a\\"b", "--", "铁山"]}\n'
        "  date: {role: key, type: boolean, values: [true, false]}\n"
        "  a: {role: key, type: integer, values: [1, 2]}\n  part: {role: attribute, type: number}\n"
        "  n: {role: key, type: boolean}\n"
    )
    policy = read_policy(text, schema=POLICIES / "dataset.schema.json")
    shares = {column.name: np.full(size := len(categories(column)), 1 / size) for column in telling(policy)}
    for question in [
        *first_questions(policy),
        *pair_questions(policy, classes_by_column(policy, shares)),
    ]:
        plan = make_plan(bind(parse(question.sql), Scope(policy)), VERSION, Scope(policy))
        assert plan.cells == prod(question.shape), (
            "an alias that is a column's name would group by the column"
        )


def test_classes_are_neighbours_of_about_the_same_share() -> None:
    assert classes_of(np.array([0.5, 0.3, 0.2])) == [0, 1, 2]
    assert classes_of(np.full(8, 1 / 8)) == [0, 0, 1, 1, 2, 2, 3, 3]
    made = classes_of(np.array([0.9, 0.02, 0.02, 0.02, 0.02, 0.02]))
    assert made == sorted(made) and set(made) == set(range(max(made) + 1)), "no class without a category"
