"""Measures how near the invented rows are to the noisy counts, and beside it how far the noise itself moved
these."""

from collections.abc import Mapping, Sequence
from math import pi, sqrt
from typing import Any

import numpy as np

from sandbox.catalog.seeded_random import Places, Shares
from sandbox.synthesis.marginals import Kind, Marginal


def quality(
    marginals: Sequence[Marginal],
    places: Mapping[str, Places],
    classes: Mapping[str, Sequence[int]],
    kept: frozenset[tuple[str, str]],
) -> list[dict[str, Any]]:
    """For each column and pair: `distance`, the total variation distance between the rows and the noisy
    shares, and `noise`, the expected distance of the noisy shares from the exact ones. Both are in [0, 1],
    and cost nothing: no data is touched. Of a pair also whether a dependence rises above the noise; if not,
    the rows have none, whatever is in the data."""
    told = []
    for marginal in marginals:
        if marginal.kind not in (Kind.COLUMN, Kind.PAIR):
            continue
        at = [
            places[name] if marginal.kind is Kind.COLUMN else np.asarray(classes[name])[places[name]]
            for name in marginal.columns
        ]
        made = np.zeros(marginal.shape)
        np.add.at(made, tuple(at), 1.0)
        told.append(
            {
                "columns": list(marginal.columns),
                "distance": round(distance(made, marginal.table), 4),
                "noise": round(expected_noise(marginal), 4),
                **({"kept": marginal.columns in kept} if marginal.kind is Kind.PAIR else {}),
            }
        )
    return told


def distance(made: Shares, noisy: Shares) -> float:
    """Half the sum of the differences of shares; noisy counts may be negative, so it is cut at 1."""
    rows = noisy.sum()
    if rows <= 0:
        return 1.0
    return float(min(1.0, np.abs(made / made.sum() - noisy / rows).sum() / 2))


def expected_noise(marginal: Marginal) -> float:
    """The mean of |Gaussian| is sigma times sqrt(2/pi), in each cell;
    to first order, the noise in the sum of all left out."""
    rows = sum(marginal.counts)
    return min(1.0, len(marginal.counts) * marginal.sigma * sqrt(2 / pi) / 2 / rows) if rows > 0 else 1.0
