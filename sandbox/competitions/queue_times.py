"""The order in which waiting entries get their turn, and when each is expected to be scored: pure functions.

Order: the team that holds the fewest slots, then the team that was served longest ago, then who entered
first. A team with many entries so waits as long as a team with one. An entry keeps its slot for its whole
limit, whatever it does, so all times are public numbers.
"""

import heapq
from collections import Counter, deque
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
    return min(waiting, key=lambda one: _rank(one, held, served), default=None)


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
    held, last = Counter(one.team for one in running), dict(served)
    left: dict[int, deque[Waiting]] = {}
    for one in sorted(waiting, key=lambda one: (one.submitted_at, one.entry)):
        left.setdefault(one.team, deque()).append(one)
    # the first of each team by rank; where a team's rank has changed, the old one is passed over
    order = [_rank(entries[0], held, last) for entries in left.values()]
    heapq.heapify(order)
    planned: list[Turn] = []
    clock = now
    while len(planned) < len(waiting):
        while len(busy) >= slots or (busy and busy[0][0] <= clock):
            ended, _, team = heapq.heappop(busy)
            clock = max(clock, ended)
            held[team] -= 1
            if left.get(team):
                heapq.heappush(order, _rank(left[team][0], held, last))
        rank = heapq.heappop(order)
        team = rank[-1]
        if not left[team] or rank != _rank(left[team][0], held, last):
            continue
        chosen = left[team].popleft()
        end = clock + timedelta(seconds=chosen.seconds)
        held[team] += 1
        last[team] = clock
        planned.append(Turn(chosen.entry, len(planned) + 1, clock, end))
        heapq.heappush(busy, (end, len(running) + len(planned), team))
        if left[team]:
            heapq.heappush(order, _rank(left[team][0], held, last))
    return planned


def _rank(
    one: Waiting, held: Mapping[int, int], served: Mapping[int, datetime]
) -> tuple[int, datetime, datetime, int, int]:
    """What is least is served next."""
    return held.get(one.team, 0), served.get(one.team, NEVER), one.submitted_at, one.entry, one.team
