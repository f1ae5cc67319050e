"""The rules of a grade that computed outputs keep, from policies/disclosure.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd

SUPPRESSED = "suppressed"
DIGITS, DIGITS_OF_FEW, FEW = 4, 3, 100
"""As many digits as the canonical form leaves (sandbox/disclosure/canonical_form.py): what is drawn or saved
has no more."""
MOST_LEVERAGE = 0.5
"""Of one unit on a fit: 1 would be a coefficient that is the unit's own value (Belsley, Kuh and Welsch,
"Regression Diagnostics", 1980)."""


class Withheld(Exception):
    """Why a recipe leaves nothing. It names no value of a row."""


@dataclass(frozen=True)
class Rules:
    """`zeros`: whether a cell that nobody is in may be shown as 0."""

    minimum_count: int
    rounding_base: int
    zeros: bool
    degrees_of_freedom: int
    dominance_units: int
    dominance_percent: int
    prior_percent: int
    units_per_parameter: int

    @staticmethod
    def of(document: Mapping[str, Any]) -> "Rules":
        names = set(Rules.__dataclass_fields__) - {"zeros"}
        return Rules(zeros=document["zero_cells"] == "notes", **{name: int(document[name]) for name in names})

    def rounded(self, count: float) -> int:
        """To the nearest multiple of the base; from the middle up."""
        base = max(self.rounding_base, 1)
        return int((2 * count + base) // (2 * base) * base)

    def enough(self, units: int) -> bool:
        return units >= self.minimum_count

    def alike(self, values: "pd.Series[float]", units: "pd.Series[int]") -> bool:
        """Whether all but few units have the same value: whoever is in the group is known, or these few."""
        if self.minimum_count <= 1 or values.empty:
            return False
        usual = values.mode().iloc[0]
        return int(units[values != usual].nunique()) < self.minimum_count

    def dominated(self, contributions: "pd.Series[float]") -> bool:
        """Whether few units make most of a sum (n-k), or two leave too little to hide the largest (p %);
        `contributions` has a number for each unit (Hundepool et al., 2012, chapter 4)."""
        sizes = np.sort(np.abs(contributions.to_numpy(dtype=float)))[::-1]
        whole = float(sizes.sum())
        if not len(sizes) or whole == 0:
            return False
        by_few = 100 * float(sizes[: self.dominance_units].sum()) > self.dominance_percent * whole
        by_two = 100 * (whole - float(sizes[:2].sum())) < self.prior_percent * float(sizes[0])
        return by_few or by_two


def at_error(value: float, error: float, units: float) -> float:
    """An estimate to the second digit of its standard error: the digits after it are chance. No more of them
    than the units justify."""
    kept = significant(value, units)
    if not (np.isfinite(error) and error > 0):
        return kept
    return round(kept, 1 - floor(log10(error)))


def significant(value: float, units: float) -> float:
    """The number with the digits that so many units justify."""
    return float(f"{value:.{(DIGITS if units >= FEW else DIGITS_OF_FEW) - 1}e}")
