"""Defines what was released of each cell of an answer: its keys, and its noisy totals."""

from collections.abc import Mapping
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.catalog.model import KeyValue
from sandbox.queries.plan.plan import Plan, Total
from sandbox.queries.tree import Expression
from sandbox.releases.answer.bounding_bias import BoundingBias
from sandbox.releases.answer.estimate import Cell, Noisy

Released = Mapping[str, tuple[float, list[int]]]
"""By total's name, the scale of its noise and its noisy cells."""


class Cells:
    """The cells of a plan's answer, in the order of the keys' values, the last fastest."""

    def __init__(
        self,
        plan: Plan,
        released: Released,
        absent: tuple[Expression, ...] = (),
        bias: BoundingBias | None = None,
    ) -> None:
        self.plan, self.released, self.absent, self.bias = plan, released, absent, bias

    @cached_property
    def groups(self) -> list[tuple[KeyValue, ...]]:
        """The values of the keys in each."""
        return list(product(*(key.values for key in self.plan.keys)))

    def keys(self, place: int) -> dict[Expression, Any]:
        """The value of each key there; of those that this answer's other groups have and these do not,
        None."""
        return {
            **dict.fromkeys(self.absent),
            **dict(zip((key.of for key in self.plan.keys), self.groups[place], strict=True)),
        }

    @cached_property
    def totals(self) -> list[Cell]:
        """Each with its noisy totals."""
        return [
            {
                total: Noisy(
                    tuple(self.released[total.name][1][place * total.bins : (place + 1) * total.bins]),
                    self.released[total.name][0],
                )
                for total in self.plan.totals
            }
            for place in range(len(self.groups))
        ]

    def column(self, total: Total) -> npt.NDArray[np.float64]:
        return np.array(self.released[total.name][1], dtype=np.float64)

    def scale(self, total: Total) -> float:
        return self.released[total.name][0]
