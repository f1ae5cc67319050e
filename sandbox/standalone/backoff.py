"""Computes how long a part that ended waits before it is started again: twice as long each time, bounded, and
anew after health."""

from dataclasses import dataclass

FIRST_SECONDS, MOST_SECONDS = 0.5, 60.0
HEALTHY_SECONDS = 120.0


@dataclass
class Backoff:
    """Of one part. It is never given up: what made it end (a full disk,
    a database that is away) may come back meanwhile."""

    in_a_row: int = 0

    def seconds(self, lived: float) -> float:
        """To be asked at each end, with how long the part had served."""
        if lived >= HEALTHY_SECONDS:
            self.in_a_row = 0
        self.in_a_row += 1
        return float(min(FIRST_SECONDS * 2 ** min(self.in_a_row - 1, 20), MOST_SECONDS))
