"""Seeds the random numbers of invented data with a text: the same text gives the same numbers, for everybody,
for ever."""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float64]
Places = NDArray[np.int64]


class Chance:
    """A stream of numbers named by a text. It keeps nothing secret, and must never be what protects somebody.

    Only the bit stream of PCG64 is used, which NumPy promises never to change (NEP 19);
    its distributions may.
    """

    def __init__(self, *names: object) -> None:
        seed = int.from_bytes(sha256("\n".join(map(str, names)).encode()).digest(), "big")
        self._stream = np.random.Generator(np.random.PCG64(seed))

    def shares(self, count: int) -> Shares:
        """`count` numbers in [0, 1)."""
        return self._stream.random(count)

    def below(self, many: int, count: int) -> Places:
        """`count` whole numbers in [0, many), each as likely; `many` is at most 2**52."""
        return np.minimum((self.shares(count) * many).astype(np.int64), many - 1)

    def by_weight(self, weights: Shares, count: int) -> Places:
        """`count` places in `weights`, each as likely as its weight says."""
        upto = np.cumsum(weights)
        places: Places = np.searchsorted(upto, self.shares(count) * upto[-1], side="right")
        return np.minimum(places, len(weights) - 1)

    def some_of(self, many: int, count: int) -> Places:
        """`count` different whole numbers in [0, many), ascending."""
        return np.sort(np.argsort(self.shares(many), kind="stable")[:count])
