"""Defines how a file is written anew: what was declared of it, who counted its units, the grade's numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ALL_BITS = 53
"""Those of a float of 64 bits: nothing is rounded."""


@dataclass(frozen=True)
class Form:
    """`counting`: it is declared as counts of units, which keep their digits.
    `counted`: the vault counted the units behind each number itself, so its digits follow them. Else how many
    there are is the author's word, and every number has the digits of `least_units`, the fewest that the
    grade lets stand behind any.
    `digits`: (units, digits) in order: from so many units on, so many significant digits.
    `weight_bits`: the significant bits of a model's numbers.
    `known`: texts that were fixed before any raw row was read: values of public keys, names of columns,
    labels of recipes. Such a text tells no more than which of them it is.
    """

    counting: bool = False
    counted: bool = True
    least_units: int = 1
    digits: tuple[tuple[int, int], ...] = ((1, 3), (100, 4))
    weight_bits: int = ALL_BITS
    known: tuple[str, ...] = ()

    def digits_of(self, counts: Sequence[Any]) -> int:
        """Significant digits beside these counts of units. Where none is known, a vault that counted has left
        nothing that few stand behind."""
        if not self.counted:
            return self._from(self.least_units)
        known = [count for count in counts if count is not None]
        return self._from(min(known)) if known else self.most_digits

    @property
    def most_digits(self) -> int:
        """Of any number that is no count, where its row says nothing."""
        return self._from(self.least_units) if not self.counted else self.digits[-1][1]

    def _from(self, units: Any) -> int:
        return max((digits for least, digits in self.digits if units >= least), default=self.digits[0][1])


PLAIN = Form()
COUNTING = Form(counting=True)
