"""HAVING, ORDER BY and LIMIT work on released numbers, and withheld ones never slip through."""

from sandbox.queries.tree import (
    Afterwards,
    Aggregate,
    Aggregation,
    And,
    Compare,
    Comparison,
    Literal,
    Name,
    Not,
    Ordering,
)
from sandbox.releases.answer.arrange import arranged, that_pass

DISTRICT, N, MEAN = Name("district"), Aggregate(Aggregation.COUNT), Aggregate(Aggregation.AVG, Name("x"))
GROUPS = [
    dict(zip((DISTRICT, N, MEAN), row, strict=True))
    for row in (("north", 5.0, None), ("south", 9.0, 2.0), ("east", 5.0, 1.0), ("west", -3.0, 4.0))
]


def test_without_anything_the_order_is_the_policys() -> None:
    assert arranged(Afterwards(), GROUPS) == [0, 1, 2, 3]


def test_having_keeps_what_compares_so_and_never_a_withheld_value() -> None:
    small = Compare(Comparison.LESS, MEAN, Literal(9))
    assert that_pass(And((Compare(Comparison.AT_LEAST, N, Literal(5)), small)), GROUPS) == [1, 2]
    assert that_pass(Not(small), GROUPS) == []


def test_the_first_criterion_is_the_first_and_withheld_values_come_last() -> None:
    by_n = Afterwards(order=(Ordering(N, descending=True), Ordering(DISTRICT, descending=False)))
    assert arranged(by_n, GROUPS) == [1, 2, 0, 3]
    by_mean = Afterwards(order=(Ordering(MEAN, descending=True),))
    assert arranged(by_mean, GROUPS) == [3, 1, 2, 0]


def test_a_limit_cuts_what_is_left() -> None:
    assert arranged(Afterwards(order=(Ordering(N, descending=False),), limit=1), GROUPS) == [3]
    assert arranged(Afterwards(limit=0), GROUPS) == []


def test_one_row_is_left_of_each_and_then_those_that_are_kept() -> None:
    by_n = Afterwards(each=(N,), kept=Compare(Comparison.MORE, N, Literal(0)))
    assert arranged(by_n, GROUPS) == [0, 1]
