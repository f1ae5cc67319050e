"""Decomposes variance, correlation and their kin into averages: centred ones, so that little noise is added
to large squares.

With u = x - c for a public centre c: Var(x) = E[u^2] - (E[x] - c)^2, Cov(x, y) = E[u v] - (E[x] - c)(E[y] -
d). The sample versions are n / (n - 1) times that. MIN and MAX are the quantiles at 1 % and 99 %: a single
row's value is never released.
"""

from fractions import Fraction
from typing import TypeVar

from sandbox.queries.tree import (
    Aggregate,
    Aggregation,
    And,
    Arithmetic,
    Call,
    Case,
    Expression,
    Function,
    GreatestLeast,
    IsNull,
    Literal,
    Not,
    Operator,
    rewritten,
)
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import bounds_of, never_empty

EXTREMES = {Aggregation.MIN: Fraction(1, 100), Aggregation.MAX: Fraction(99, 100)}


Tree = TypeVar("Tree")


def in_moments(said: Tree, scope: Scope) -> Tree:
    """An expression, or what has some, with every aggregate made of COUNT, SUM, AVG,
    COUNT_DISTINCT and QUANTILE."""
    found: Tree = rewritten(said, lambda node: _moments(node, scope) if isinstance(node, Aggregate) else node)
    return found


def _moments(aggregate: Aggregate, scope: Scope) -> Expression:
    kind, x, y = aggregate.aggregation, aggregate.of, aggregate.by
    if kind in EXTREMES:
        return Aggregate(
            Aggregation.QUANTILE, x, fraction=EXTREMES[kind], of_a_row=True, position=aggregate.position
        )
    if kind in (
        Aggregation.COUNT,
        Aggregation.COUNT_DISTINCT,
        Aggregation.SUM,
        Aggregation.AVG,
        Aggregation.QUANTILE,
    ):
        return aggregate
    assert x is not None
    if y is None:
        spread = _covariance(x, x, scope)
        if kind in (Aggregation.VARIANCE, Aggregation.STDDEV):
            spread = _of_sample(spread, x)
        spread = GreatestLeast(True, (spread, Literal(0)))
        return Call(Function.SQRT, spread) if kind in (Aggregation.STDDEV, Aggregation.STDDEV_POP) else spread
    if not (never_empty(x, scope) and never_empty(y, scope)):  # only rows that have both
        there = And((Not(IsNull(x)), Not(IsNull(y))))
        x, y = Case(((there, x),), None), Case(((there, y),), None)
    both = _covariance(x, y, scope)
    match kind:
        case Aggregation.COVARIANCE_POP:
            return both
        case Aggregation.COVARIANCE:
            return _of_sample(both, x)
        case Aggregation.CORRELATION:
            spreads = Call(Function.SQRT, _times(_covariance(x, x, scope), _covariance(y, y, scope)))
            return GreatestLeast(
                True, (GreatestLeast(False, (_over(both, spreads), Literal(1))), Literal(-1))
            )
    slope = _over(both, _covariance(y, y, scope))  # REGR_SLOPE(x, y): of x by y
    if kind is Aggregation.SLOPE:
        return slope
    return _minus(Aggregate(Aggregation.AVG, x), _times(slope, Aggregate(Aggregation.AVG, y)))


def _covariance(x: Expression, y: Expression, scope: Scope) -> Expression:
    first, second = _centre(x, scope), _centre(y, scope)
    return _minus(
        Aggregate(Aggregation.AVG, _times(_minus(x, first), _minus(y, second))),
        _times(_minus(Aggregate(Aggregation.AVG, x), first), _minus(Aggregate(Aggregation.AVG, y), second)),
    )


def _centre(x: Expression, scope: Scope) -> Literal:
    centre = bounds_of(x, scope).centre
    return Literal(int(centre) if centre.denominator == 1 else centre)


def _of_sample(value: Expression, x: Expression) -> Expression:
    n = Aggregate(Aggregation.COUNT, x)
    return _times(value, _over(n, _minus(n, Literal(1))))


def _minus(left: Expression, right: Expression) -> Arithmetic:
    return Arithmetic(Operator.MINUS, left, right)


def _times(left: Expression, right: Expression) -> Arithmetic:
    return Arithmetic(Operator.TIMES, left, right)


def _over(left: Expression, right: Expression) -> Arithmetic:
    return Arithmetic(Operator.OVER, left, right)
