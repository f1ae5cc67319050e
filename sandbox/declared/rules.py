"""The rules that a number must meet before it may be shown: thresholds by grade, from
policies/disclosure.yaml."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CellRules:
    """As policies/disclosure.yaml explains them. `zeros`: whether a cell that nobody is in is shown as 0."""

    minimum_count: int
    rounding_base: int
    zeros: bool
    dominance_units: int
    dominance_percent: int
    prior_percent: int

    def rounded(self, count: int) -> int:
        """To the nearest multiple of the base; from the middle up."""
        return (2 * count + self.rounding_base) // (2 * self.rounding_base) * self.rounding_base
