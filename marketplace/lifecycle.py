"""Defines life cycles as tables: a status has an owner, an event that enters it, and what may follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sandbox.errors import Conflict


@dataclass(frozen=True)
class Status:
    """`owner` is who can move the thing on from here;
    `event` is the log's kind that is written on entering, but for what stands in `event_from`: an event of
    its own, by the status from which the thing comes back."""

    meaning: str
    owner: str
    event: str
    next: tuple[str, ...] = ()
    event_from: Mapping[str, str] = field(default_factory=dict)


Lifecycle = Mapping[str, Status]


def check_step(cycle: Lifecycle, *, thing: str, now: str, then: str) -> Status:
    """The status to enter, with the event of this step.
    Raises `Conflict` if it may not follow the present one."""
    if then not in cycle[now].next:
        raise Conflict(
            f"The {thing} is {now}; it cannot become {then}.",
            code="wrong_status",
            remedy=f"Only these may follow: {', '.join(cycle[now].next) or 'nothing'}.",
        )
    return replace(cycle[then], event=cycle[then].event_from.get(now, cycle[then].event))
