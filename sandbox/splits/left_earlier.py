"""What left of a split's people before it was made, by name: answers, runs, purchases, open copies, and
scores of earlier competitions.

A label that left before cannot be called back. So whoever makes a split looks through the list, and accepts
each by its name or makes no split. Of all datasets about people of the population, and of all of which these
were made or that was made of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from sandbox.budgets import Part, part_account
from sandbox.budgets.tables import reservations
from sandbox.catalog.tables import dataset_versions, opening_reviews, quality_classes, stand_ins
from sandbox.database import Transaction
from sandbox.derivations.dependents import related
from sandbox.grants.tables import grants
from sandbox.jobs.model import RunState
from sandbox.jobs.tables import runs
from sandbox.releases.tables import left_out_rows, questions
from sandbox.splits.tables import splits

NOT_STARTED = (RunState.QUEUED.value, RunState.CANCELLED.value)


@dataclass(frozen=True)
class LeftEarlier:
    """`name`, such as `question:<id>`: by it one is accepted. `of`: the version that it is about. `at`: when
    it was asked, begun or bought."""

    name: str
    of: str
    at: datetime


def left_earlier(tx: Transaction, datasets: Iterable[str]) -> list[LeftEarlier]:
    """`datasets`: those about people of the population. The oldest first. What is under way counts as left:
    its rows may have been read."""
    names = related(tx, datasets)
    found = [*_questions(tx, names), *_runs(tx, names), *_bought(tx, names), *_copies(tx, names)]
    found += _entries(tx, names)
    return sorted(found, key=lambda one: (one.at, one.name))


def _questions(tx: Transaction, names: Sequence[str]) -> Iterator[LeftEarlier]:
    known = [
        f"{row.dataset}@{row.number}"
        for row in tx.execute(select(dataset_versions).where(dataset_versions.c.dataset.in_(names)))
    ]
    joined = list(tx.execute(select(grants.c.id).where(grants.c.dataset.in_(names))).scalars())
    about = questions.c.version.in_(known)
    for row in tx.execute(select(questions).where(or_(about, questions.c.joined_grants.overlap(joined)))):
        yield LeftEarlier(f"question:{row.id}", row.version, row.asked_at)


def _runs(tx: Transaction, names: Sequence[str]) -> Iterator[LeftEarlier]:
    for name in names:
        reads = runs.c.inputs.contains([{"dataset": name}])
        for row in tx.execute(select(runs).where(reads, runs.c.state.not_in(NOT_STARTED))):
            yield LeftEarlier(f"run:{row.id}", name, row.started_at or row.submitted_at)


def _bought(tx: Transaction, names: Sequence[str]) -> Iterator[LeftEarlier]:
    for kind, table in (("stand_in", stand_ins), ("quality", quality_classes)):
        for row in tx.execute(select(table).where(table.c.dataset.in_(names))):
            yield LeftEarlier(f"{kind}:{row.id}", f"{row.dataset}@{row.number}", row.bought_at)
    for row in tx.execute(select(left_out_rows).where(left_out_rows.c.dataset.in_(names))):
        of = f"{row.dataset}@{row.number}"
        yield LeftEarlier(f"left_out:{of}", of, row.released_at)


def _copies(tx: Transaction, names: Sequence[str]) -> Iterator[LeftEarlier]:
    of = opening_reviews.c.dataset.in_(names), opening_reviews.c.kind == "open_copy"
    for row in tx.execute(select(opening_reviews).where(*of)):
        yield LeftEarlier(f"open_copy:{row.id}", f"{row.dataset}@{row.number}", row.asked_at)


def _entries(tx: Transaction, names: Sequence[str]) -> Iterator[LeftEarlier]:
    """Entries that were charged to a part of a split before: its team was told a place, or a failure."""
    for split in tx.execute(select(splits).where(splits.c.dataset.in_(names))).all():
        parts = [part_account(split.id, part).key for part in (Part.LIVE, Part.FINAL)]
        for row in tx.execute(select(reservations).where(reservations.c.grant.in_(parts))):
            yield LeftEarlier(f"entry:{row.id}", f"{split.dataset}@{split.number}", row.reserved_at)
