"""Compares each file of a review with what left earlier of the same people: of the same team under the same
name or the same declaration, and of any team where the tables are alike, whatever they are called. Reviewers
then see which cells are new or changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Select, cast, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from sandbox.database import Transaction
from sandbox.derivations.dependents import related
from sandbox.disclosure.decode import Decode, Decoded, Undecoded
from sandbox.disclosure.files.opened import Opened
from sandbox.disclosure.finding import Finding, asks
from sandbox.disclosure.likeness import Likeness, are_alike, closeness, likeness
from sandbox.disclosure.table_difference import TableDifference, table_difference
from sandbox.jobs import Run
from sandbox.jobs.tables import runs
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import Declared, Difference, Review
from sandbox.reviews.read import StoredFile
from sandbox.reviews.tables import released_files, review_files, reviews

MOST_EARLIER = 3
"""Of each file, the most alike, and the newest under its name or declaration."""
MOST_LOOKED_AT = 1000
"""Of files that share something with it, the newest."""
NOTHING = Likeness()


@dataclass(frozen=True)
class Earlier:
    """A file that left, to which team, and what it was declared as."""

    run: UUID
    team: str
    released_at: datetime
    file: StoredFile
    statbarn: str
    context: str
    likeness: Likeness

    @property
    def name(self) -> tuple[UUID, str]:
        return self.run, self.file.path


def earlier_of(
    tx: Transaction, run: Run, review: Review, leaving: Mapping[str, Likeness]
) -> dict[str, list[Earlier]]:
    """By the path of each file of the review, what left of some of the same people: the most alike of any
    team, then the newest of its own under its name or declaration. `leaving`: what would leave is like."""
    called_so = or_(
        released_files.c.path.in_([file.declared.path for file in review.files]),
        review_files.c.context.in_([file.declared.context.strip() for file in review.files]),
    )
    own = _read(tx, _released(tx, run).where(runs.c.team == run.team, called_so))
    hashes = [_any_of(leaving, "labels"), _any_of(leaving, "cells")]
    alike = _read(
        tx,
        _released(tx, run)
        .where(or_(review_files.c.labels.overlap(hashes[0]), review_files.c.cells.overlap(hashes[1])))
        .limit(MOST_LOOKED_AT),
    )
    found: dict[str, list[Earlier]] = {}
    for file in review.files:
        mine = leaving.get(file.declared.path, NOTHING)
        near = [one for one in alike if are_alike(one.likeness, mine)]
        near.sort(key=lambda one: closeness(one.likeness, mine), reverse=True)  # the newest first of equals
        named = [one for one in own if _is_called_so(one, file.declared)]
        found[file.declared.path] = list(
            {one.name: one for one in (*near[:MOST_EARLIER], *named[:MOST_EARLIER])}.values()
        )
    return found


def kept_likeness(tx: Transaction, review: UUID) -> dict[str, Likeness]:
    """By path, what would leave of the review's files is like, as the checks kept it: an earlier release of
    the vault did not."""
    rows = tx.execute(
        select(review_files.c.path, review_files.c.labels, review_files.c.cells).where(
            review_files.c.review == review, review_files.c.labels.is_not(None)
        )
    )
    return {row.path: Likeness(tuple(row.labels or ()), tuple(row.cells or ())) for row in rows}


def _released(tx: Transaction, run: Run) -> "Select[tuple[object, ...]]":
    """What left of other runs that read some of the same datasets, or of those made of them, newest first."""
    shared = [
        runs.c.inputs.contains([{"dataset": name}])
        for name in related(tx, [one.dataset for one in run.inputs])
    ]
    return (
        select(
            released_files,
            runs.c.team,
            reviews.c.decided_at,
            review_files.c.statbarn,
            review_files.c.context,
            review_files.c.labels,
            review_files.c.cells,
        )
        .join(runs, runs.c.id == released_files.c.run)
        .join(reviews, reviews.c.id == released_files.c.review)
        .join(
            review_files,
            (review_files.c.review == released_files.c.review)
            & (review_files.c.path == released_files.c.path),
        )
        .where(runs.c.id != run.id, or_(*shared))
        .order_by(reviews.c.decided_at.desc(), runs.c.id, released_files.c.path)
    )


def _read(tx: Transaction, released: "Select[tuple[object, ...]]") -> list[Earlier]:
    return [
        Earlier(
            row.run,
            row.team,
            row.decided_at,
            StoredFile(row.path, row.object_name, row.object_version, row.sha256, row.size),
            row.statbarn,
            row.context,
            Likeness(tuple(row.labels or ()), tuple(row.cells or ())),
        )
        for row in tx.execute(released)
    ]


def _any_of(leaving: Mapping[str, Likeness], kind: str) -> object:
    return cast(sorted({each for one in leaving.values() for each in getattr(one, kind)}), ARRAY(BigInteger))


def are_compared(review: Review, earlier: Mapping[str, Sequence[Earlier]]) -> bool:
    """Whether each file was compared with these and no others."""
    return all(
        [(one.run, one.path) for one in file.differences or ()]
        == [(one.run, one.file.path) for one in earlier[file.declared.path]]
        for file in review.files
        if file.differences is not None
    )


@dataclass(frozen=True)
class Leaving:
    """What would leave of a file, and what it is like."""

    content: bytes
    opened: Opened | None
    likeness: Likeness


def opened_as_it_leaves(
    context: ReviewContext, decode: Decode, leaving: Mapping[str, tuple[str, bytes] | None]
) -> dict[str, Leaving]:
    """Of each file that leaves; all are read at once."""
    wanted = {
        path: Undecoded(*leaves, leaves=False) for path, leaves in leaving.items() if leaves is not None
    }
    done = decode(list(wanted.values()), context.taxonomy.file_limits)
    return {
        path: Leaving(one.content, read.opened, _likeness(read))
        for (path, one), read in zip(wanted.items(), done, strict=True)
    }


def _likeness(decoded: Decoded) -> Likeness:
    return likeness(decoded.opened.grids) if decoded.opened is not None else NOTHING


def differences_of(
    context: ReviewContext,
    decode: Decode,
    run: Run,
    leaving: Mapping[str, Leaving],
    earlier: Mapping[str, Sequence[Earlier]],
) -> dict[str, list[Difference]]:
    """What would leave of each file beside what left: all of that is read at once, each file once. Of a file
    that does not leave there is only what it is like."""
    wanted = {
        one.name: Undecoded(
            one.file.path, context.released.get(one.file.object_name, one.file.object_version), leaves=False
        )
        for path in leaving
        for one in earlier[path]
    }
    done = dict(zip(wanted, decode(list(wanted.values()), context.taxonomy.file_limits), strict=True))
    found: dict[str, list[Difference]] = {}
    for path, others in earlier.items():
        now = leaving.get(path)
        found[path] = [
            Difference(
                one.run,
                one.file.path,
                one.released_at,
                same=now is not None and now.content == wanted[one.name].content,
                table=_tables(now.opened, done[one.name].opened) if now is not None else None,
                team="" if one.team == run.team else one.team,
            )
            for one in others
        ]
    return found


def small_changes(differences: Sequence[Difference], minimum_count: int) -> list[Finding]:
    """Of counts: what left earlier and differs by few."""
    return [_small_change(one, least) for one in differences if 0 < (least := _least(one)) < minimum_count]


def _least(one: Difference) -> float:
    return (one.table.least_change if one.table is not None else None) or 0.0


def _small_change(one: Difference, least: float) -> Finding:
    whose, whose_zh = (f" of the team {one.team}", f"（团队 {one.team}）") if one.team else ("", "")
    date = one.released_at.date().isoformat()
    return asks(
        "small_change",
        "differencing",
        f"A count differs by {least:g} from {one.path}{whose}, which left on {date}: so few units may be in "
        "one and not in the other.",
        "Look at the changed cells: two tables of almost the same people show the few others. Say why these "
        "cannot be told, or ask for coarser groups.",
        f"有一个频数与 {date} 放行的 {one.path}{whose_zh}只相差 {least:g}：可能仅有少数个体"
        "在其一而不在其二。",
        "请查看有变化的单元格：两张表若几乎包含同一批人，相减即可看出少数个体。请说明为何看不出，或要求使用更粗的分组。",
    )


def _tables(now: Opened | None, before: Opened | None) -> TableDifference | None:
    if now is None or before is None or len(now.grids) != 1 or len(before.grids) != 1:
        return None
    return table_difference(now.grids[0], before.grids[0])


def _is_called_so(earlier: Earlier, declared: Declared) -> bool:
    return earlier.file.path == declared.path or (
        (earlier.statbarn, earlier.context) == (declared.statbarn, declared.context.strip())
    )
