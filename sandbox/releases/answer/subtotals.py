"""Adds up an answer's groups to groups by fewer keys. This is post-processing, at no cost.

Noisy counts, sums and histograms of m cells add up to those of the cells together, with the noise of the root
of m times one cell's scale: the draws are independent (releases/noise.py).
"""

from dataclasses import replace
from math import prod, sqrt

import numpy as np

from sandbox.queries.plan.plan import Plan
from sandbox.queries.tree import Expression
from sandbox.releases.answer.answer_cells import Cells, Released
from sandbox.releases.answer.bounding_bias import BoundingBias


def grouped_by(
    plan: Plan, released: Released, keys: tuple[Expression, ...], bias: BoundingBias | None = None
) -> Cells:
    """The cells by some of a plan's keys; the others' values are empty there."""
    kept = [key.of in keys for key in plan.keys]
    sizes = [len(key.values) for key in plan.keys]
    added = prod(size for size, stays in zip(sizes, kept, strict=True) if not stays)
    others = tuple(place for place, stays in enumerate(kept) if not stays)
    summed = {
        total.name: (
            scale * sqrt(added),
            np.array(cells).reshape([*sizes, total.bins]).sum(axis=others).ravel().tolist(),
        )
        for total in plan.totals
        for scale, cells in [released[total.name]]
    }
    by_fewer = replace(plan, keys=tuple(key for key, stays in zip(plan.keys, kept, strict=True) if stays))
    return Cells(
        by_fewer,
        summed,
        absent=tuple(key.of for key, stays in zip(plan.keys, kept, strict=True) if not stays),
        bias=bias,
    )
