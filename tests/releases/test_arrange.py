"""HAVING, ORDER BY and LIMIT work on released numbers, and withheld ones never slip through."""

from fractions import Fraction

from sandbox.queries.tree import Afterwards, Comparison, Having, Ordering
from sandbox.releases.arrange import arranged

NAMES = ["district", "n", "mean"]
ROWS: list[list[object]] = [["north", 5.0, None], ["south", 9.0, 2.0], ["east", 5.0, 1.0], ["west", -3.0, 4.0]]


def test_without_anything_the_order_is_the_policys() -> None:
    assert arranged(Afterwards(), NAMES, ROWS) == [0, 1, 2, 3]


def test_having_keeps_what_compares_so_and_never_a_withheld_value() -> None:
    more = Afterwards(having=(Having("n", Comparison.AT_LEAST, Fraction(5)), Having("mean", Comparison.LESS, Fraction(9))))
    assert arranged(more, NAMES, ROWS) == [1, 2]


def test_the_first_criterion_is_the_first_and_withheld_values_come_last() -> None:
    by_n = Afterwards(order=(Ordering("n", descending=True), Ordering("district", descending=False)))
    assert arranged(by_n, NAMES, ROWS) == [1, 2, 0, 3]
    by_mean = Afterwards(order=(Ordering("mean", descending=True),))
    assert arranged(by_mean, NAMES, ROWS) == [3, 1, 2, 0]


def test_a_limit_cuts_what_is_left() -> None:
    assert arranged(Afterwards(order=(Ordering("n", descending=False),), limit=1), NAMES, ROWS) == [3]
    assert arranged(Afterwards(limit=0), NAMES, ROWS) == []
