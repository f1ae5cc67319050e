"""Computes what estimate.py computes, for all cells at once: an answer may have thousands.

Counts, sums and averages, which nearly all answers are made of, are computed as columns;
anything else cell by cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isinf
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.queries.plan.plan import PlannedOutput, Total
from sandbox.queries.tree import Aggregate, Aggregation, AnswerWindow
from sandbox.queries.weights import WEIGHT
from sandbox.releases.answer.answer_cells import Cells
from sandbox.releases.answer.estimate import (
    TOO_FAR,
    TOO_NOISY,
    UNSURE,
    Estimate,
    estimate,
    is_scaled,
    scale_of,
    units_of,
    z_of,
)
from sandbox.releases.answer.selection import CONFIDENCE, UNCHOSEN, Selection
from sandbox.releases.answer.window_values import AnswerGroups

Numbers = npt.NDArray[np.float64]
TOO_FAR_ERROR = {"standard_error": None, "low": None, "high": None, "note": TOO_FAR[0], "note_zh": TOO_FAR[1]}


@dataclass(frozen=True)
class Estimates:
    """A column of an answer and, for each of its values, what is known of its error."""

    values: list[Any]
    errors: list[dict[str, Any]]

    def of(self, places: Sequence[int]) -> "Estimates":
        """Those of some cells."""
        return Estimates([self.values[place] for place in places], [self.errors[place] for place in places])


def estimate_all(output: PlannedOutput, cells: Cells, chosen: Selection = UNCHOSEN) -> Estimates:
    """An output of every cell, with its errors. `chosen`: how cells come to be shown."""
    of = output.of
    if isinstance(of, Aggregate) and is_scaled(of):
        return _scaled(cells, of, chosen)
    if isinstance(of, Aggregate) and of.aggregation is Aggregation.AVG:
        return _averages(cells, of, chosen)
    return _as_columns(
        [
            estimate(output, cells.plan.parts, cell, cells.keys(place), bias=cells.bias, chosen=chosen)
            for place, cell in enumerate(cells.totals)
        ]
    )


def estimate_across(
    output: PlannedOutput, groups: AnswerGroups, rows: Sequence[int], chosen: Selection = UNCHOSEN
) -> Estimates:
    """An output that says something across groups, of the `rows` that are shown."""
    parts, cells, places = groups.plan.parts, groups.cells, groups.places
    return _as_columns(
        [
            estimate(
                output,
                parts,
                cells.totals[places[row]],
                cells.keys(places[row]),
                partial(groups.said, row),
                cells.bias,
                chosen,
            )
            for row in rows
        ]
    )


def estimate_of_none(output: PlannedOutput, groups: AnswerGroups) -> Estimates:
    """An output of aggregates over groups where HAVING left none: unsure where the noise may have done so."""
    bias = groups.cells.bias
    found = estimate(output, groups.plan.parts, {}, {}, groups.said_of_none, bias)
    windows = [piece for piece in output.pieces if isinstance(piece, AnswerWindow)]
    if found.value is None and any(
        groups.said_of_none(window, CONFIDENCE, bias)[1].unbounded for window in windows
    ):
        found = Estimate(None, None, None, None, *UNSURE)
    return _as_columns([found])


def _as_columns(found: Sequence[Estimate]) -> Estimates:
    return Estimates(
        [one.value for one in found],
        [
            _error(one.standard_error, one.low, one.high, one.noise)
            | ({"note": one.note, "note_zh": one.note_zh} if one.note else {})
            for one in found
        ],
    )


def _scaled(cells: Cells, of: Aggregate, chosen: Selection) -> Estimates:
    """Counts and sums: the noise is the same in every cell."""
    totals = cells.plan.parts[of]
    units, z = units_of(totals), z_of(chosen.confidence)
    values: Numbers = np.zeros(len(cells.groups))
    for total, unit in units:
        values = values + cells.column(total) * unit
    scale = scale_of(totals, {total: cells.scale(total) for total in totals})
    width = z * scale + 2 * sum(abs(unit) for _, unit in units)
    low, high = values - width, values + width
    moved = None if cells.bias is None else cells.bias.moved(of, totals, low, high, *_rows(cells, totals, z))
    errors = np.full_like(values, scale * chosen.spread)
    return Estimates(values.tolist(), _errors(errors, low, high, moved))


def _averages(cells: Cells, of: Aggregate, chosen: Selection) -> Estimates:
    """Fieller's intervals, and what they say of one standard deviation."""
    totals = centred, present = cells.plan.parts[of]
    z = z_of(chosen.confidence)
    low, high, centre, step = centred.grid
    above, below = cells.column(centred), cells.column(present)
    spread, count_spread = cells.scale(centred), cells.scale(present)
    square = below**2 - (z * count_spread) ** 2
    told = below > z_of(CONFIDENCE) * count_spread
    bounded = told & (square > 0)
    square, below = np.where(bounded, square, 1.0), np.where(told, below, 1.0)
    value = centre + step * above / below
    middle, root = above * below, z * np.sqrt(spread**2 * square + (count_spread * above) ** 2)
    least, most = centre + step * (middle - root) / square, centre + step * (middle + root) / square
    half = (most - least) / 2
    least = np.clip(np.where(value > high, np.minimum(least, high - half), least), low, high)
    most = np.clip(np.where(value < low, np.maximum(most, low + half), most), low, high)
    error = np.minimum(half / z, (most - least) / z)
    value = np.clip(value, low, high)
    least, most = np.where(bounded, least, low), np.where(bounded, most, high)
    error = np.where(bounded, error, (high - low) / (2 * z)) * chosen.spread
    moved = (
        None if cells.bias is None else cells.bias.moved(of, totals, least, most, *_rows(cells, totals, z))
    )
    errors = _errors(error, least, most, moved)
    ends = zip(*((least, most) if moved is None else moved), strict=True)
    return Estimates(
        [one if known else None for one, known in zip(value.tolist(), told.tolist(), strict=True)],
        [
            error
            if known
            else _error(None, float(first), float(last)) | {"note": TOO_NOISY[0], "note_zh": TOO_NOISY[1]}
            for error, known, (first, last) in zip(errors, told.tolist(), ends, strict=True)
        ],
    )


def _rows(cells: Cells, totals: Sequence[Total], z: float) -> tuple[Numbers | float, Numbers | float]:
    """Of how many rows a sum or an average is, at least and at most, where that is known."""
    if len(totals) == 1:
        return 0.0, inf
    rows, room = cells.column(totals[1]) / WEIGHT, z * cells.scale(totals[1]) / WEIGHT
    return rows - room, rows + room


def _errors(
    error: Numbers, low: Numbers, high: Numbers, moved: tuple[Numbers, Numbers] | None
) -> list[dict[str, Any]]:
    """With the noise's own apart, where bounds on units may have moved a value farther:
    as `estimate.with_noise_apart`."""
    noise = zip(error.tolist(), low.tolist(), high.tolist(), strict=True)
    if moved is None:
        return [_error(*one) for one in noise]
    farthest = np.maximum(low - moved[0], moved[1] - high)
    whole = zip(np.hypot(error, farthest).tolist(), moved[0].tolist(), moved[1].tolist(), strict=True)
    return [
        TOO_FAR_ERROR | {"noise": _error(*apart)}
        if isinf(far)
        else _error(*one, apart)
        if far > 0
        else _error(*apart)
        for one, apart, far in zip(whole, noise, farthest.tolist(), strict=True)
    ]


def _finite(end: float | None) -> float | None:
    """JSON has no infinity: no such end is stated."""
    return None if end is None or isinf(end) else end


def _error(
    standard_error: float | None,
    low: float | None,
    high: float | None,
    noise: tuple[float, float, float] | None = None,
) -> dict[str, Any]:
    said = {"standard_error": standard_error, "low": _finite(low), "high": _finite(high)}
    return said if noise is None else said | {"noise": dict(zip(said, noise, strict=True))}
