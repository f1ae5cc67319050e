"""A budget: an account at one of four levels, with a limit, what was spent of it and
what is promised of it."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.privacy import ZERO, PrivacyLoss, percent_told


class Level(StrEnum):
    """A loss is charged to a grant or to a part of a split, to a dataset and to a population, in this order
    (which is also the order of locking)."""

    GRANT = "grant"
    SPLIT = "split"
    DATASET = "dataset"
    POPULATION = "population"


@dataclass(frozen=True)
class Account:
    level: Level
    key: str  # the dataset's name, the population's name, or for grants:
    # "team/dataset" for all of a team's on a dataset (the marketplace's have one each,
    # "team/dataset/number"); for parts of a split its id and the part, such as "<id>/live"


@dataclass(frozen=True)
class Statement:
    """What an account may lose, and has lost (reserved losses included).

    `held` is promised: of a dataset and a population, what the grants may still spend that
    have their shares of it.
    """

    account: Account
    limit: PrivacyLoss
    spent: PrivacyLoss
    held: PrivacyLoss = ZERO

    @property
    def left(self) -> PrivacyLoss:
        """What is neither spent nor promised."""
        return PrivacyLoss(
            self.limit.picorho - self.spent.picorho - self.held.picorho,
            self.limit.delta_units - self.spent.delta_units - self.held.delta_units,
        )

    @property
    def percent_used(self) -> float:
        return percent_told(self.spent.picorho, self.limit.picorho)

    @property
    def delta_percent_used(self) -> float:
        return percent_told(self.spent.delta_units, self.limit.delta_units)
