"""Which events are looked for in answers?
A family fixed before any run: thresholds, shapes, and the lattice of low bits."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit_dp.bound import Array

Event = Callable[["Samples"], NDArray[np.bool_]]
QUANTILES = np.linspace(0.02, 0.98, 25)
MOST_SHAPES = 16


@dataclass(frozen=True)
class Samples:
    """What n runs told: numbers (NaN where there is none), one row a run, and each run's shape (which keys,
    which are empty)."""

    numbers: Array
    shapes: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.shapes)

    def part(self, rows: slice) -> "Samples":
        return Samples(self.numbers[rows], self.shapes[rows])


def events(first: Samples, second: Samples) -> list[Event]:
    """The family, its thresholds and its direction taken from the samples that choose
    (never from those that judge)."""
    both = np.concatenate([first.numbers, second.numbers])
    # a constant tells nothing
    columns = [place for place in range(both.shape[1]) if len(np.unique(both[:, place])) > 1]
    readings = [_column(place) for place in columns]
    if len(columns) > 1:
        readings.append(_direction(first, second, columns))
    found: list[Event] = []
    for reading in readings:
        levels = np.unique(np.nanquantile(np.concatenate([reading(first), reading(second)]), QUANTILES))
        found += [event for level in levels for event in (_above(reading, level), _below(reading, level))]
    for place in columns:
        found += [_on_lattice(place, step, size) for step in range(-52, 11, 4) for size in range(-4, 26, 3)]
    common = Counter([*first.shapes.tolist(), *second.shapes.tolist()]).most_common(MOST_SHAPES)
    return found + [event for shape, _ in common for event in (_shaped(shape), _not_shaped(shape))]


def _column(place: int) -> Callable[[Samples], Array]:
    return lambda samples: samples.numbers[:, place]


def _direction(first: Samples, second: Samples, columns: list[int]) -> Callable[[Samples], Array]:
    """Fisher's discriminant: the best direction for Gaussians of one covariance,
    independent noises or not."""
    both = np.concatenate([first.numbers, second.numbers])[:, columns]
    scale, centre = np.nanstd(both, axis=0), np.nanmean(both, axis=0)

    def scaled(samples: Samples) -> Array:
        return np.nan_to_num((samples.numbers[:, columns] - centre) / scale)

    one, other = scaled(first), scaled(second)
    spread = (np.atleast_2d(np.cov(one.T)) + np.atleast_2d(np.cov(other.T))) / 2 + 1e-9 * np.eye(one.shape[1])
    weights = np.linalg.solve(spread, one.mean(axis=0) - other.mean(axis=0))
    return lambda samples: scaled(samples) @ weights


def _above(reading: Callable[[Samples], Array], level: float) -> Event:
    return lambda samples: reading(samples) >= level


def _below(reading: Callable[[Samples], Array], level: float) -> Event:
    return lambda samples: reading(samples) < level


def _on_lattice(place: int, step: int, size: int) -> Event:
    """A number near zero that is a multiple of 2**step:
    where a float's low bits tell what noise was added to (Mironov 2012)."""

    def holds(samples: Samples) -> NDArray[np.bool_]:
        value = samples.numbers[:, place]
        lifted = np.ldexp(value, -step)
        return (np.abs(value) < 2.0**size) & (lifted == np.rint(lifted))

    return holds


def _shaped(shape: str) -> Event:
    return lambda samples: samples.shapes == shape


def _not_shaped(shape: str) -> Event:
    return lambda samples: samples.shapes != shape
