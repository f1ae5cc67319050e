"""Defines the privacy loss of an answer about one unit, in zero-concentrated differential privacy (zCDP).

Source: Bun and Steinke, "Concentrated Differential Privacy: Simplifications, Extensions, and Lower
Bounds", TCC 2016: losses of adaptively chosen mechanisms add up in rho (Lemma 1.7), and epsilon-DP
implies epsilon**2/2-zCDP (Proposition 1.4). A delta for mechanisms that need one is kept
beside it and adds too.

Rho is counted in whole *picorho* (1e-12) and delta in whole 1e-24: integers, so that a ledger of
millions of additions is exact. Prices round up, limits round down.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

RHO_UNITS = 10**12
DELTA_UNITS = 10**24


@dataclass(frozen=True, order=False)
class PrivacyLoss:
    """A zCDP loss: `picorho` in 1e-12 of rho, `delta_units` in 1e-24 of delta. Never negative."""

    picorho: int
    delta_units: int = 0

    def __post_init__(self) -> None:
        if self.picorho < 0 or self.delta_units < 0:
            raise ValueError("A privacy loss cannot be negative.")

    @classmethod
    def at_least(cls, rho: Fraction, delta: Fraction = Fraction(0)) -> "PrivacyLoss":
        """The smallest loss in whole units that covers `rho` and `delta` (for prices)."""
        return cls(ceil(rho * RHO_UNITS), ceil(delta * DELTA_UNITS))

    @classmethod
    def at_most(cls, rho: Fraction, delta: Fraction = Fraction(0)) -> "PrivacyLoss":
        """The largest loss in whole units within `rho` and `delta` (for limits)."""
        return cls(floor(rho * RHO_UNITS), floor(delta * DELTA_UNITS))

    @property
    def rho(self) -> Fraction:
        return Fraction(self.picorho, RHO_UNITS)

    @property
    def delta(self) -> Fraction:
        return Fraction(self.delta_units, DELTA_UNITS)

    def __add__(self, other: "PrivacyLoss") -> "PrivacyLoss":
        """Adaptive sequential composition: both numbers add."""
        return PrivacyLoss(self.picorho + other.picorho, self.delta_units + other.delta_units)

    def times(self, count: int) -> "PrivacyLoss":
        return PrivacyLoss(self.picorho * count, self.delta_units * count)

    def fits_in(self, limit: "PrivacyLoss") -> bool:
        return self.picorho <= limit.picorho and self.delta_units <= limit.delta_units


ZERO = PrivacyLoss(0)
