"""Converts a zCDP loss to its epsilon at a stated delta, by OpenDP's conversion.

Source: Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020,
Corollary 13, as implemented by OpenDP's `make_zCDP_to_approxDP`. It is tighter than
rho + 2*sqrt(rho*ln(1/delta)).
"""

from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil, inf, log, nextafter, sqrt

import opendp.prelude as dp

from sandbox.privacy.loss import RHO_UNITS, PrivacyLoss

dp.enable_features("contrib")

MOST_EPSILON = 1000
"""The largest epsilon that may be offered or budgeted: far above what protects anybody. Rho is at most
epsilon, so every loss in picorho stays below 2**53, which JSON keeps."""

LEAST_EPSILON = Fraction(1, 10**6)
"""The smallest epsilon that may be offered."""

DELTA_PARTS = 10
"""One part of a budget's delta can be spent, on finding keys;
the others are what its epsilon is stated at."""


@lru_cache(maxsize=1)
def _curve() -> "dp.Measurement":
    """A Gaussian of scale 1 on one integer, seen in approximate DP; a shift of d costs rho = d**2/2."""
    gaussian = dp.m.make_gaussian(dp.atom_domain(T="i64"), dp.absolute_distance(T="f64"), scale=1.0)
    return dp.c.make_zCDP_to_approxDP(gaussian)


@lru_cache(maxsize=4096)
def _epsilon(picorho: int, delta: Fraction) -> float:
    shift = nextafter(sqrt(2 * picorho / RHO_UNITS), inf)
    stated = float(delta)
    if stated > delta:  # the nearest may lie above, and would tell a smaller epsilon
        stated = nextafter(stated, 0)
    return float(_curve().map(shift).epsilon(delta=stated))


def epsilon_of(loss: PrivacyLoss, delta: Fraction) -> float:
    """The epsilon such that `loss` implies (epsilon, delta)-DP; `loss.delta` is spent from `delta` first.

    Returns infinity if the loss's own delta leaves nothing of `delta`.
    """
    left = delta - loss.delta
    if left <= 0:
        return inf
    return 0.0 if loss.picorho == 0 else _epsilon(loss.picorho, left)


def epsilon_told(loss: PrivacyLoss, delta: Fraction, places: int = 6) -> float:
    """`epsilon_of` as it is told and metered: never less than what was lost, at most one in the last place
    more."""
    return rounded_up(epsilon_of(loss, delta), places)


def rounded_up(number: float | Fraction, places: int) -> float:
    """The smallest number of so many decimal places that is not below it; infinity stays."""
    if number == inf:
        return inf
    parts: int = 10**places
    return ceil(Fraction(number) * parts) / parts


def percent_told(spent: int, limit: int, places: int = 4) -> float:
    """How much of a limit is spent, never told as less than it is; a limit of nothing is spent."""
    parts: int = 10**places
    return -(-100 * spent * parts // limit) / parts if limit else 100.0


@lru_cache(maxsize=4096)
def rho_within(epsilon: Fraction, delta: Fraction) -> PrivacyLoss:
    """The largest loss whose epsilon at `delta` is at most `epsilon` (both positive), in whole picorho."""
    if epsilon <= 0 or not 0 < delta < 1:
        raise ValueError("epsilon must be positive, and delta between 0 and 1")
    near = _rho_near(float(epsilon), delta)
    step = 1 + near // 2**36
    low, high = near, near + step
    while low > 0 and _epsilon(low, delta) > epsilon:
        low, high, step = max(0, low - step), low, 2 * step
    while _epsilon(high, delta) <= epsilon:
        low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        if _epsilon(middle, delta) <= epsilon:
            low = middle
        else:
            high = middle
    return PrivacyLoss(low)


def _rho_near(epsilon: float, delta: Fraction) -> int:
    """Picorho close to the answer of `rho_within`, which may be any number: it only saves time, because a
    conversion takes milliseconds. From the simple conversion, by secants in logarithms."""
    simple = (sqrt(epsilon - log(delta)) - sqrt(-log(delta))) ** 2 * RHO_UNITS
    before, now = max(1, int(simple)), max(2, int(1.5 * simple))
    then = _epsilon(before, delta)
    for _ in range(8):
        found = _epsilon(now, delta)
        if min(then, found) <= 0 or found in {then, epsilon}:
            break
        slope = log(now / before) / log(found / then)
        before, then, now = now, found, max(1, int(now * (epsilon / found) ** slope))
        if abs(now - before) <= now * 1e-12:
            break
    return now


@lru_cache(maxsize=4096)
def epsilon_within(limit: PrivacyLoss, delta: Fraction) -> Decimal:
    """The largest epsilon, in thousandths, whose budget is within `limit`:
    the inverse of `limit_within`, rounded down."""
    step = Decimal("0.001")
    found = Decimal(epsilon_of(PrivacyLoss(limit.picorho), delta - delta / DELTA_PARTS)).quantize(
        step, ROUND_DOWN
    )
    while found > 0 and limit_within(Fraction(found), delta).picorho > limit.picorho:
        found -= step
    return found


def limit_within(epsilon: Fraction, delta: Fraction) -> PrivacyLoss:
    """The largest loss that a budget of (epsilon, delta) allows:
    a tenth of the delta is for mechanisms that need one.

    Whatever is spent of it, in rho and in delta, `epsilon_of(spent, delta)` is at most `epsilon`.
    """
    own = delta / DELTA_PARTS
    return PrivacyLoss(
        rho_within(epsilon, delta - own).picorho, PrivacyLoss.at_most(Fraction(0), own).delta_units
    )
