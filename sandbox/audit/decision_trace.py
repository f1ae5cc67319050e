"""Remembers, while a request is answered, which decisions allowed what it does, so that the entry of the deed
keeps them (`append`). Outside a request nothing is remembered."""

from collections.abc import Mapping
from contextvars import ContextVar

Facts = Mapping[str, object]
"""What a decision was made of, as JSON has it (`sandbox/policy/facts.py`)."""

ASKED = ("person", "action", "kind", "id")
MOST = 8
"""Decisions kept with one entry: the newest."""

_taken: ContextVar[list[tuple[str, Facts]] | None] = ContextVar("cihu_decisions", default=None)


def begin_request() -> None:
    """For this task and what it starts: all of them share one list."""
    _taken.set([])


def note_decision(person: str, facts: Facts) -> None:
    """`person` was allowed to do something, which is to follow. Of one question the last answer counts."""
    taken = _taken.get()
    if taken is None:
        return
    asked = [facts.get(name) for name in ASKED]
    taken[:] = [each for each in taken if [each[1].get(name) for name in ASKED] != asked][1 - MOST :]
    taken.append((person, facts))


def take_decisions(person: str) -> tuple[Facts, ...]:
    """What allowed this person's deed, once: a second entry of the same request has none of its own."""
    taken = _taken.get()
    if not taken:
        return ()
    own = tuple(facts for who, facts in taken if who == person)
    taken[:] = [(who, facts) for who, facts in taken if who != person]
    return own
