"""Counts which answers were sent: a mark below which all were, and the ranges of those beyond it.

A worker numbers its lines and keeps the numbers that are open. So what is written with each group is as long
as there are open calls, however many lines came after them; whatever is not in it when a worker dies was not
sent for certain. Pure, and used on the event loop alone.
"""

from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class Confirmations:
    """`issued` is the number of the newest line; `waiting` are the open ones in their order, each with when
    it was issued, in seconds."""

    issued: int = 0
    waiting: dict[int, float] = field(default_factory=dict)

    def issue(self, now: float = 0.0) -> int:
        """The next line's number."""
        self.issued += 1
        self.waiting[self.issued] = now
        return self.issued

    def confirm(self, number: int) -> None:
        """Its answer was sent, or it was never written, or is credited: nothing of it is open."""
        self.waiting.pop(number, None)

    @property
    def upto(self) -> int:
        """Every number up to this is confirmed."""
        return next(iter(self.waiting), self.issued + 1) - 1

    @property
    def ahead(self) -> list[tuple[int, int]]:
        """The ranges beyond the mark that are confirmed, each from its first number to before its end."""
        opened = [*self.waiting, self.issued + 1]
        return [(low + 1, high) for low, high in pairwise(opened) if low + 1 < high]

    def overdue(self, before: float) -> list[int]:
        """The numbers that were issued before then and are open still."""
        return [number for number, at in self.waiting.items() if at < before]

    @property
    def settled(self) -> bool:
        return not self.waiting
