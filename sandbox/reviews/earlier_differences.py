"""Compares each file of a review with what left earlier: of the same team and dataset, under the same name or
the same declaration. Reviewers then see which cells are new or changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from sandbox.database import Transaction
from sandbox.disclosure.decode import Decode, Undecoded
from sandbox.disclosure.files.opened import Opened
from sandbox.disclosure.table_difference import TableDifference, table_difference
from sandbox.jobs import Run
from sandbox.jobs.tables import runs
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import Declared, Difference, Review
from sandbox.reviews.read import StoredFile
from sandbox.reviews.tables import released_files, review_files, reviews

MOST_EARLIER = 3
"""Of each file, the newest."""


@dataclass(frozen=True)
class Earlier:
    """A file that left, and what it was declared as."""

    run: UUID
    released_at: datetime
    file: StoredFile
    statbarn: str
    context: str


def earlier_of(tx: Transaction, run: Run, review: Review) -> dict[str, list[Earlier]]:
    """By the path of each file of the review: what left of the same team and some of the same datasets, under
    its name or its declaration, newest first."""
    shared = or_(*(runs.c.inputs.contains([{"dataset": one.dataset}]) for one in run.inputs))
    rows = tx.execute(
        select(released_files, reviews.c.decided_at, review_files.c.statbarn, review_files.c.context)
        .join(runs, runs.c.id == released_files.c.run)
        .join(reviews, reviews.c.id == released_files.c.review)
        .join(
            review_files,
            (review_files.c.review == released_files.c.review)
            & (review_files.c.path == released_files.c.path),
        )
        .where(runs.c.team == run.team, runs.c.id != run.id, shared)
        .order_by(reviews.c.decided_at.desc(), released_files.c.path)
    )
    earlier = [
        Earlier(
            row.run,
            row.decided_at,
            StoredFile(row.path, row.object_name, row.object_version, row.sha256, row.size),
            row.statbarn,
            row.context,
        )
        for row in rows
    ]
    return {
        file.declared.path: [one for one in earlier if _is_like(one, file.declared)][:MOST_EARLIER]
        for file in review.files
    }


def are_compared(review: Review, earlier: Mapping[str, Sequence[Earlier]]) -> bool:
    """Whether each file was compared with these and no others."""
    return all(
        [(one.run, one.path) for one in file.differences or ()]
        == [(one.run, one.file.path) for one in earlier[file.declared.path]]
        for file in review.files
        if file.differences is not None
    )


def differences_of(
    context: ReviewContext,
    decode: Decode,
    leaving: Mapping[str, tuple[str, bytes] | None],
    earlier: Mapping[str, Sequence[Earlier]],
) -> dict[str, list[Difference]]:
    """What would leave of each file beside what left: all are read at once. Of a file that does not leave
    there is only what it is like."""
    wanted: list[Undecoded] = []
    for path, leaves in leaving.items():
        if leaves is not None and earlier[path]:
            wanted.append(Undecoded(*leaves, leaves=False))
            wanted += [
                Undecoded(
                    one.file.path,
                    context.released.get(one.file.object_name, one.file.object_version),
                    leaves=False,
                )
                for one in earlier[path]
            ]
    done = iter(zip(wanted, decode(wanted, context.taxonomy.file_limits), strict=True))
    found: dict[str, list[Difference]] = {}
    for path, leaves in leaving.items():
        if leaves is None or not earlier[path]:
            found[path] = [Difference(one.run, one.file.path, one.released_at) for one in earlier[path]]
            continue
        now, opened = next(done)
        found[path] = []
        for one in earlier[path]:
            before, also = next(done)
            same = now.content == before.content
            table = _tables(opened.opened, also.opened)
            found[path].append(Difference(one.run, one.file.path, one.released_at, same, table))
    return found


def _tables(now: Opened | None, before: Opened | None) -> TableDifference | None:
    if now is None or before is None or len(now.grids) != 1 or len(before.grids) != 1:
        return None
    return table_difference(now.grids[0], before.grids[0])


def _is_like(earlier: Earlier, declared: Declared) -> bool:
    return earlier.file.path == declared.path or (
        (earlier.statbarn, earlier.context) == (declared.statbarn, declared.context.strip())
    )
