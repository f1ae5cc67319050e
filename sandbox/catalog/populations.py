"""Reads policies/populations.yaml, where the city limits the loss about each population over all its
datasets."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ruamel.yaml import YAML

from sandbox.errors import InvalidInput
from sandbox.privacy import MOST_EPSILON, PrivacyLoss, limit_within


@dataclass(frozen=True)
class Population:
    name: str
    epsilon: Fraction
    delta: Fraction

    @property
    def limit(self) -> PrivacyLoss:
        return limit_within(self.epsilon, self.delta)


def limited(epsilon: Fraction) -> Fraction:
    """Raises `ValueError` for one above `MOST_EPSILON`."""
    if epsilon > MOST_EPSILON:
        raise ValueError(f"an epsilon is at most {MOST_EPSILON}")
    return epsilon


def read_populations(policies: Path) -> dict[str, Population]:
    """Read every population. Raises `InvalidInput` when the file is missing or a limit is
    not a positive decimal."""
    file = policies / "populations.yaml"
    try:
        said = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
        return {
            name: Population(name, limited(Fraction(spec["epsilon"])), Fraction(spec["delta"]))
            for name, spec in said.items()
        }
    except (OSError, KeyError, ValueError, AttributeError, TypeError) as error:
        raise InvalidInput(
            f"{file.name} cannot be read: {error}.",
            remedy='Give each population an epsilon and a delta in quotes, such as "20" and "1e-6".',
        ) from error
