"""Defines life cycles as tables: a status has an owner, an event that enters it, and what may follow."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.errors import Conflict


@dataclass(frozen=True)
class Status:
    """`owner` is who can move the thing on from here;
    `event` is the log's kind that is written on entering."""

    meaning: str
    owner: str
    event: str
    next: tuple[str, ...] = ()


Lifecycle = Mapping[str, Status]


def check_step(cycle: Lifecycle, *, thing: str, now: str, then: str) -> Status:
    """The status to enter. Raises `Conflict` if it may not follow the present one."""
    if then not in cycle[now].next:
        raise Conflict(
            f"The {thing} is {now}; it cannot become {then}.",
            code="wrong_status",
            remedy=f"Only these may follow: {', '.join(cycle[now].next) or 'nothing'}.",
        )
    return cycle[then]
