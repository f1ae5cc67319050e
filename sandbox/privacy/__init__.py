"""The words of differential privacy, exact: loss, unit, weights, and what people call epsilon."""

from sandbox.privacy.epsilon import (
    LEAST_EPSILON,
    MOST_EPSILON,
    epsilon_of,
    epsilon_told,
    epsilon_within,
    limit_within,
    percent_told,
    rho_within,
)
from sandbox.privacy.loss import RHO_UNITS, ZERO, PrivacyLoss
from sandbox.privacy.unit import PrivacyUnit

__all__ = [
    "LEAST_EPSILON",
    "MOST_EPSILON",
    "RHO_UNITS",
    "ZERO",
    "PrivacyLoss",
    "PrivacyUnit",
    "epsilon_of",
    "epsilon_told",
    "epsilon_within",
    "limit_within",
    "percent_told",
    "rho_within",
]
