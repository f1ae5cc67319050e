"""What do noisy totals say of all cells at once? The same as estimate.py says of each: an answer may have thousands.

Counts, sums and averages, which nearly all answers are made of, are computed as columns; anything else cell by cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.queries.plan import PlannedOutput, Total
from sandbox.queries.tree import Aggregate, Aggregation
from sandbox.releases.across import AnswerGroups
from sandbox.releases.cells import Cells
from sandbox.releases.estimate import CONFIDENCE, TOO_NOISY, Estimate, estimate, is_scaled, scale_of, units_of, z_of

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimates:
    """A column of an answer and, for each of its values, what is known of its error."""

    values: list[Any]
    errors: list[dict[str, Any]]

    def of(self, places: Sequence[int]) -> "Estimates":
        """Those of some cells."""
        return Estimates([self.values[place] for place in places], [self.errors[place] for place in places])


def estimate_all(output: PlannedOutput, cells: Cells) -> Estimates:
    """An output of every cell, with its errors."""
    of = output.of
    if isinstance(of, Aggregate) and is_scaled(of):
        return _scaled(cells, cells.plan.parts[of])
    if isinstance(of, Aggregate) and of.aggregation is Aggregation.AVG:
        return _averages(cells, *cells.plan.parts[of])
    return _as_columns([estimate(output, cells.plan.parts, cell, cells.keys(place)) for place, cell in enumerate(cells.totals)])


def estimate_across(output: PlannedOutput, groups: AnswerGroups, rows: Sequence[int]) -> Estimates:
    """An output that says something across groups, of the `rows` that are shown."""
    parts, cells, places = groups.plan.parts, groups.cells, groups.places
    return _as_columns([estimate(output, parts, cells.totals[places[row]], cells.keys(places[row]), partial(groups.said, row))
                        for row in rows])


def _as_columns(found: Sequence[Estimate]) -> Estimates:
    return Estimates([one.value for one in found], [
        _error(one.standard_error, one.low, one.high) | ({"note": one.note, "note_zh": one.note_zh} if one.note else {})
        for one in found])


def _scaled(cells: Cells, totals: Sequence[Total]) -> Estimates:
    """Counts and sums: the error is the same in every cell."""
    units = units_of(totals)
    values: Numbers = np.zeros(len(cells.groups))
    for total, unit in units:
        values = values + cells.column(total) * unit
    scale = scale_of(totals, {total: cells.scale(total) for total in totals})
    width = z_of(CONFIDENCE) * scale + 2 * sum(abs(unit) for _, unit in units)
    return Estimates(values.tolist(), [_error(scale, low, high) for low, high in zip(
        (values - width).tolist(), (values + width).tolist(), strict=True)])


def _averages(cells: Cells, centred: Total, present: Total) -> Estimates:
    """Fieller's intervals, and the first-order standard error."""
    z = z_of(CONFIDENCE)
    low, high, centre, step = centred.grid
    above, below = cells.column(centred), cells.column(present)
    spread, count_spread = cells.scale(centred), cells.scale(present)

    def average(above: Numbers, below: Numbers) -> tuple[Numbers, Numbers]:
        """NaN where it is withheld; and what Fieller's interval is divided by."""
        square = below**2 - (z * count_spread) ** 2
        told = (below > 0) & (square > 0)
        return np.where(told, centre + step * above / np.where(told, below, 1.0), np.nan), np.where(told, square, 1.0)

    value, square = average(above, below)
    middle, root = above * below, z * np.sqrt(spread**2 * square + (count_spread * above) ** 2)
    least, most = centre + step * (middle - root) / square, centre + step * (middle + root) / square
    half = (most - least) / 2
    least = np.clip(np.where(value > high, np.minimum(least, high - half), least), low, high)
    most = np.clip(np.where(value < low, np.maximum(most, low + half), most), low, high)
    by_sum = average(above + spread, below)[0] - average(above - spread, below)[0]
    by_count = average(above, below + count_spread)[0] - average(above, below - count_spread)[0]
    error = np.sqrt((by_sum / 2) ** 2 + (by_count / 2) ** 2)
    error = np.where(np.isnan(error), (most - least) / (2 * z), error)
    value = np.clip(value, low, high)
    withheld = _error(None, low, high) | {"note": TOO_NOISY[0], "note_zh": TOO_NOISY[1]}
    told = (~np.isnan(value)).tolist()
    return Estimates([one if known else None for one, known in zip(value.tolist(), told, strict=True)], [
        _error(*said) if known else dict(withheld)
        for *said, known in zip(error.tolist(), least.tolist(), most.tolist(), told, strict=True)])


def _error(standard_error: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {"standard_error": standard_error, "low": low, "high": high}
