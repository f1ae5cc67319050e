"""The words of differential privacy, exact: loss, unit, weights, and what people call epsilon."""

from sandbox.privacy.epsilon import epsilon_of, rho_within
from sandbox.privacy.loss import ZERO, PrivacyLoss
from sandbox.privacy.unit import PrivacyUnit

__all__ = ["ZERO", "PrivacyLoss", "PrivacyUnit", "epsilon_of", "rho_within"]
