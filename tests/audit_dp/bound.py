"""How much privacy loss do counts prove? Lower bounds of epsilon that hold with a stated confidence.

Of n runs on one table k fell into an event; the same on its neighbour. The chance on each side is bounded by
the Chernoff bound in its relative-entropy form (for every n, a little wider than Clopper and Pearson's), and
three consequences are drawn:

- `direct`: the definition itself, ln((p - delta) / q): Ding et al. 2018, Jagielski et
  al. 2020. It assumes nothing.
- `zcdp`: rho-zCDP allows an event's Renyi divergence of order a at most a*rho (data processing; Bun and
  Steinke 2016). It assumes nothing either, and refutes the ledger's own promise.
- `gaussian`: a Gaussian that costs rho allows normal_quantile(p) - normal_quantile(q) at most sqrt(2*rho):
  Dong et al. 2019, used for audits by Nasr et al. 2023. It holds for what a sum of Gaussians tells; the
  discrete one's curve is the same to far below these counts' width where its scale is in the hundreds or
  more. It is the sharpest.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ORDERS = np.concatenate([[1.0], np.geomspace(1.05, 1000, 60)])
LEAST = 1e-300


def divergence(found: Array, chance: Array) -> Array:
    """The relative entropy of two coins, in nats."""
    found, chance = np.clip(found, 0, 1), np.clip(chance, LEAST, 1 - 1e-16)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(found > 0, found * np.log(found / chance), 0.0)
        second = np.where(found < 1, (1 - found) * np.log((1 - found) / (1 - chance)), 0.0)
    return first + second


def chances(counts: Array, runs: int, alpha: float) -> tuple[Array, Array]:
    """For each count of `runs`, a lower and an upper bound of its chance;
    each is wrong with probability at most alpha."""
    found, allowed = np.asarray(counts, dtype=float) / runs, -np.log(alpha) / runs
    sides = []
    for end in (0.0, 1.0):
        out, within = np.full_like(found, end), found.copy()
        for _ in range(60):
            middle = (out + within) / 2
            fits = divergence(found, middle) <= allowed
            out, within = np.where(fits, out, middle), np.where(fits, middle, within)
        sides.append(out)  # the outer end: rounding widens
    return sides[0], sides[1]


def direct(low: Array, high: Array, delta: float) -> Array:
    """Epsilon, at delta."""
    return np.maximum(np.log(np.maximum(low - delta, LEAST) / np.maximum(high, LEAST)), 0.0)


def zcdp(low: Array, high: Array) -> Array:
    """Rho."""
    p, q = np.maximum(low, LEAST)[:, None], np.clip(high, LEAST, 1 - 1e-16)[:, None]
    a = ORDERS[None, 1:]
    with np.errstate(divide="ignore"):
        renyi = np.logaddexp(
            a * np.log(p) + (1 - a) * np.log(q), a * np.log1p(-p) + (1 - a) * np.log1p(-q)
        ) / (a - 1)
    best = np.maximum((renyi / a).max(axis=1), divergence(p[:, 0], q[:, 0]))
    return np.where(low > high, best, 0.0)


def gaussian(low: Array, high: Array) -> Array:
    """Rho."""
    quantile = NormalDist().inv_cdf
    shift = np.array(
        [
            quantile(min(max(p, LEAST), 1 - 1e-16)) - quantile(min(max(q, LEAST), 1 - 1e-16))
            for p, q in zip(low, high, strict=True)
        ]
    )
    return np.maximum(shift, 0.0) ** 2 / 2
