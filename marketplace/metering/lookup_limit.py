"""Limits how many invented keys are looked up at once: for one network, and in all.

A flood of them waits for itself. The table holds what is looked up now and nothing else, so it has an end.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from marketplace.metering.verdicts import busy
from sandbox.network import network_of

MOST_FOR_A_NETWORK = 64
MOST_IN_ALL = 512


class LookupLimit:
    """Counts the look-ups of keys that nobody has used here before."""

    def __init__(self) -> None:
        self.running: Counter[str] = Counter()

    @contextmanager
    def one_for(self, address: str) -> Iterator[None]:
        """For as long as one look-up lasts. Raises `Unavailable` at once while too many run."""
        network = network_of(address)
        if self.running[network] >= MOST_FOR_A_NETWORK or self.running.total() >= MOST_IN_ALL:
            raise busy()
        self.running[network] += 1
        try:
            yield
        finally:
            self.running[network] -= 1
            if not self.running[network]:
                del self.running[network]
