"""Runs the loss-threshold attack, which tests whether the holder of a model can tell who was in its training
data. Its result comes with its confidence.

A unit is guessed to be a member when its loss is at or below a threshold (Yeom et al., 2018). The threshold
is chosen on one half of the units and judged on the other, so that it is not fitted to its own test. The
advantage is the true positive rate less the false positive rate. The bounds are Clopper and Pearson's (1934),
half the error each, so the lower bound holds with the confidence asked for. The rate at few false positives
is reported too: an attack that is sure of a few people does not show in an average (Carlini et al., 2022).

It is a floor: a stronger attack may find more. Passing it is no proof.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.errors import InvalidInput

Losses = NDArray[np.float64]
LEAST_UNITS = 40


@dataclass(frozen=True)
class Membership:
    """`advantage` from 0 (nothing disclosed) to 1. `at_least` holds with the confidence.
    `epsilon_at_least` is what a DP training would have to allow.
    """

    threshold: float
    true_positive_rate: float
    false_positive_rate: float
    advantage: float
    at_least: float
    epsilon_at_least: float
    sure_rate: float
    confidence: float

    @property
    def found(self) -> bool:
        """Whether the attack is better than chance, with that confidence."""
        return self.at_least > 0


def membership_attack(
    members: Losses, others: Losses, *, confidence: float = 0.95, few: float = 0.01
) -> Membership:
    """`members`: the model's loss for each unit that it was trained on; `others`:
    for units of the same population that it was not.

    Units are taken in the order given: shuffle them first. `sure_rate` is the true positive rate at a false
    positive rate of `few`.
    Raises `InvalidInput` for too few units, or losses that are no numbers.
    """
    for losses in (members, others):
        if losses.ndim != 1 or len(losses) < LEAST_UNITS or np.isnan(losses).any():
            raise InvalidInput(
                f"A membership test needs the losses of {LEAST_UNITS} units or more on each "
                "side, all of them numbers.",
                remedy="Keep more units aside from training.",
                zh=f"成员推断检验两侧各需至少 {LEAST_UNITS} 个个体的数值损失。",
                remedy_zh="请在训练时留出更多个体。",
            )
    threshold = _best_threshold(members[::2], others[::2])
    judged, strangers = members[1::2], others[1::2]
    hits, alarms = int((judged <= threshold).sum()), int((strangers <= threshold).sum())
    risk = (1 - confidence) / 2
    low, high = _lower(hits, len(judged), risk), _upper(alarms, len(strangers), risk)
    sure = float(np.quantile(strangers, few, method="lower"))
    rate, false_rate = hits / len(judged), alarms / len(strangers)
    return Membership(
        threshold=threshold,
        true_positive_rate=rate,
        false_positive_rate=false_rate,
        advantage=rate - false_rate,
        at_least=max(0.0, low - high),
        epsilon_at_least=max(0.0, float(np.log(low / high))) if low > 0 else 0.0,
        sure_rate=float((judged < sure).mean()),
        confidence=confidence,
    )


def _best_threshold(members: Losses, others: Losses) -> float:
    """The loss at which the two halves differ most."""
    levels = np.unique(np.concatenate([members, others]))
    hits = np.searchsorted(np.sort(members), levels, side="right") / len(members)
    alarms = np.searchsorted(np.sort(others), levels, side="right") / len(others)
    return float(levels[int(np.argmax(hits - alarms))])


# Clopper and Pearson's ends. scipy.special is imported where it is used: no service's start need wait for it.


def _lower(times: int, of: int, risk: float) -> float:
    from scipy.special import betaincinv

    return 0.0 if times == 0 else float(betaincinv(times, of - times + 1, risk))


def _upper(times: int, of: int, risk: float) -> float:
    from scipy.special import betaincinv

    return 1.0 if times == of else float(betaincinv(times + 1, of - times, 1 - risk))
