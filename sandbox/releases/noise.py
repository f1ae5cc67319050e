"""Adds noise: OpenDP's discrete Gaussian, on whole numbers, at the scale that the price certified."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from heapq import nlargest
from os import cpu_count

from sandbox.catalog.model import KeyValue
from sandbox.queries.plan.bounds_estimation import bounds_told, buckets
from sandbox.queries.plan.partition_selection import told_alone
from sandbox.queries.plan.price import BoundsPrice, MeasurementPrice, PartitionPrice, gaussian
from sandbox.queries.types.value_ranges import MOST_KEY_VALUES

MOST = 2**62
"""Totals are clamped to ±2**62, which moves no two totals apart,
so that they fit OpenDP's 64-bit integers."""
CELLS_AT_ONCE = 500


def add_noise(share: MeasurementPrice, cells: list[int]) -> list[int]:
    """One noisy integer per cell.
    Raises `ValueError` rather than release anything whose certified loss exceeds its price.

    The map speaks of all cells. Each gets noise of its own from the same distribution, so many are done in
    parts, side by side.
    """
    if Fraction(gaussian(share.scale).map(float(share.total.sensitivity))) > share.loss.rho:
        raise ValueError("the scale does not certify the price")

    return _noisy(share.scale, cells)


def _noisy(scale: float, cells: list[int]) -> list[int]:
    def part(start: int) -> list[int]:
        some = [max(-MOST, min(MOST, value)) for value in cells[start : start + CELLS_AT_ONCE]]
        return [int(value) for value in gaussian(scale)(some)]

    starts = range(0, len(cells), CELLS_AT_ONCE)
    if len(starts) == 1:
        return part(0)
    with ThreadPoolExecutor(cpu_count()) as threads:
        return [value for noisy in threads.map(part, starts) for value in noisy]


def bounds_found(share: BoundsPrice, weights: Mapping[KeyValue, int]) -> tuple[Fraction, Fraction] | None:
    """A column's bounds, from the weights of the units that have values in each bucket;
    None where no bucket has enough.

    Every public bucket gets noise, whether any unit is in it or not. Raises `ValueError` as `add_noise` does.
    """
    measurement, places = gaussian(share.scale), buckets(share.bounds)
    if Fraction(measurement.map(float(share.bounds.sensitivity))) > share.loss.rho:
        raise ValueError("the scale does not certify the price")
    noisy = measurement([weights.get(place, 0) for place in places])
    return bounds_told(share.bounds, dict(zip(places, map(int, noisy), strict=True)), share.scale)


def values_told(share: PartitionPrice, weights: Mapping[KeyValue, int]) -> list[KeyValue]:
    """The values that enough units have, noise included, in order.
    If there are too many, those with the largest noisy numbers.

    `weights`: the sum of the weights of the units that have it, by value. Values that nobody has get no noise
    and are never released: the delta pays for that (weights.md). Raises `ValueError` as `add_noise` does.
    """
    rho, delta = (
        gaussian(share.scale).map(float(share.discovery.sensitivity)),
        told_alone(share.threshold, share.scale),
    )
    if Fraction(rho) > share.loss.rho or Fraction(delta) > share.loss.delta:
        raise ValueError("the scale and the threshold do not certify the price")
    values = sorted(
        weights
    )  # so that of two values with the same number the same is released whoever else is there
    noisy = _noisy(share.scale, [weights[value] for value in values])
    enough = [(number, place) for place, number in enumerate(noisy) if number >= share.threshold]
    return sorted(values[place] for _, place in nlargest(MOST_KEY_VALUES, enough))
