"""The order in which waiting entries get their turn, and when each is expected to be scored: pure functions.

Order: the team that holds the fewest slots, then the team that was served longest ago, then who entered
first. A team with many entries so waits as long as a team with one. An entry keeps its slot for its whole
limit, whatever it does, so all times are public numbers.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Waiting:
    """An entry that waits. `seconds`: its limit."""

    entry: int
    team: int
    seconds: int
    submitted_at: datetime


@dataclass(frozen=True)
class Running:
    """An entry that holds a slot until `due_at`."""

    team: int
    due_at: datetime


@dataclass(frozen=True)
class Turn:
    """An entry's position in the queue (from 1), when it begins, and when its score is expected."""

    entry: int
    position: int
    begins_at: datetime
    expected_at: datetime


def next_of(
    waiting: Sequence[Waiting], held: Mapping[int, int], served: Mapping[int, datetime]
) -> Waiting | None:
    """The entry whose turn it is. `held`: slots by team; `served`: when a team got a slot last."""
    return min(
        waiting,
        key=lambda one: (held.get(one.team, 0), served.get(one.team, NEVER), one.submitted_at, one.entry),
        default=None,
    )


def turns(
    now: datetime,
    *,
    slots: int,
    running: Sequence[Running],
    waiting: Sequence[Waiting],
    served: Mapping[int, datetime],
) -> list[Turn]:
    """When each waiting entry gets its turn, if nobody else enters: the queue played forward."""
    busy = [(max(one.due_at, now), number, one.team) for number, one in enumerate(running)]
    heapq.heapify(busy)
    held, last, left = Counter(one.team for one in running), dict(served), list(waiting)
    planned: list[Turn] = []
    clock = now
    while left:
        while len(busy) >= slots or (busy and busy[0][0] <= clock):
            ended, _, team = heapq.heappop(busy)
            clock = max(clock, ended)
            held[team] -= 1
        chosen = next_of(left, held, last)
        assert chosen is not None
        left.remove(chosen)
        end = clock + timedelta(seconds=chosen.seconds)
        held[chosen.team] += 1
        last[chosen.team] = clock
        planned.append(Turn(chosen.entry, len(planned) + 1, clock, end))
        heapq.heappush(busy, (end, len(running) + len(planned), chosen.team))
    return planned
