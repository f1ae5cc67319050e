"""The sizes of values from which bounds are bought:
each value lies in its bucket, and noise alone is believed in no bucket."""

from fractions import Fraction

import duckdb
import pytest

from sandbox.queries.compile.totals import bucket_of
from sandbox.queries.plan.bounds_estimation import (
    bounds_told,
    buckets,
    least_units,
    least_weight,
    lower,
    upper,
)
from sandbox.queries.tree import Name
from sandbox.queries.types.scope import BoundsEstimation
from sandbox.queries.weights import WEIGHT

WHOLE, POINT = (BoundsEstimation(Name("x"), whole=whole) for whole in (True, False))


def bucket(value: float, one: BoundsEstimation) -> int:
    row = duckdb.execute(
        f"SELECT {bucket_of('x', one)} FROM (SELECT CAST(? AS DOUBLE) AS x)", [value]
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("value", [0, 1, 2, 3, 4, 5, 1000, 1024, 1025, 2**40, -1, -2, -3, -1000, -(2**40)])
def test_a_value_lies_between_the_ends_of_its_bucket(value: int) -> None:
    for one in (WHOLE, POINT):
        place = bucket(value, one)
        assert lower(place, one) <= value <= upper(place, one)
    assert lower(bucket(value, WHOLE), WHOLE) >= 0 if value >= 0 else upper(bucket(value, WHOLE), WHOLE) < 0


def test_parts_of_one_and_whatever_a_double_can_be_have_a_bucket_too() -> None:
    assert upper(bucket(0.3, POINT), POINT) == Fraction(1, 2) and lower(
        bucket(0.3, POINT), POINT
    ) == Fraction(1, 4)
    assert bucket(1e-300, POINT) == 1 and bucket(-1e-300, POINT) == -1
    for far in (1e300, float("inf"), float("nan")):
        assert bucket(far, POINT) == max(buckets(POINT))
    assert bucket(float("-inf"), POINT) == min(buckets(POINT))


def test_bounds_hold_the_buckets_that_many_units_have_and_leave_out_the_rest() -> None:
    scale = 40_000.0
    many = least_weight(WHOLE, scale)
    assert least_units(WHOLE, scale) == -(-many // WEIGHT)
    noisy = dict.fromkeys(buckets(WHOLE), many - 1) | {0: many, 5: many + 100, 6: many}
    assert bounds_told(WHOLE, noisy, scale) == (0, 32)
    assert bounds_told(WHOLE, dict.fromkeys(buckets(WHOLE), many - 1), scale) is None
    assert bounds_told(WHOLE, {-3: many}, scale) == (-4, -2)
    low, high = bounds_told(WHOLE, {0: many}, scale) or (0, 0)
    assert low < high
