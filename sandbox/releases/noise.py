"""How is noise added? By OpenDP's discrete Gaussian, on whole numbers, at the scale that the price certified."""

from fractions import Fraction

from sandbox.queries.price import Share, gaussian

MOST = 2**62
"""Totals are clamped to ±2**62, which moves no two totals apart, so that they fit OpenDP's 64-bit integers."""


def add_noise(share: Share, cells: list[int]) -> list[int]:
    """One noisy integer per cell. Raises `ValueError` rather than release anything whose certified loss exceeds its price."""
    measurement = gaussian(share.scale)
    if Fraction(measurement.map(float(share.total.sensitivity))) > share.loss.rho:
        raise ValueError("the scale does not certify the price")
    return [int(value) for value in measurement([max(-MOST, min(MOST, value)) for value in cells])]
