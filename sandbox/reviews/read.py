"""Reads reviews, what their runs read, and what was released before. Rows in, values out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, any_, cast, or_, select

from sandbox.catalog import Version
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Transaction, array_of
from sandbox.derivations.dependents import related
from sandbox.disclosure.plain_values import read_plain
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.jobs import Run, RunKind, RunState
from sandbox.jobs.read import as_run
from sandbox.jobs.recipes import FILE as RECIPES
from sandbox.jobs.tables import run_files, runs
from sandbox.notices import addressees
from sandbox.policy import Gate
from sandbox.reviews.model import (
    WAITING,
    CastVote,
    Choice,
    Declared,
    Difference,
    Finding,
    Outcome,
    Review,
    ReviewedFile,
    ReviewState,
    Round,
    Severity,
    Vote,
)
from sandbox.reviews.permit import decide_reviews
from sandbox.reviews.tables import released_files, review_files, review_votes, reviews

LISTED = 200
SHOWN = [column for column in review_files.c if column.name not in ("labels", "cells")]
"""Hashes are for what finds files that are alike."""


@dataclass(frozen=True)
class StoredFile:
    """One file that a run left in quarantine, or that was released from it."""

    path: str
    object_name: str
    object_version: str
    sha256: str
    size: int


@dataclass(frozen=True)
class EarlierRelease:
    """A file that left before and came from one of the same datasets."""

    team: str
    run: UUID
    path: str
    statbarn: str
    datasets: tuple[str, ...]
    released_at: datetime
    kind: RunKind


def load_review(tx: Transaction, id: UUID, *, lock: bool = False) -> Review:
    """`lock`: to change it, or its votes. Raises `NotFound`."""
    query = select(reviews).where(reviews.c.id == id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"There is no review {id}.", zh="没有这项审核。")
    return _review(tx, row)


def newest_review(tx: Transaction, run: UUID, *, lock: bool = False) -> Review | None:
    query = select(reviews).where(reviews.c.run == run).order_by(reviews.c.round.desc()).limit(1)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return _review(tx, row) if row else None


def reviewers_told(tx: Transaction, review: UUID) -> Sequence[str]:
    """Who was told that these outputs wait."""
    return addressees(tx, f"review:{review}", "release.requested")


def earlier_rounds(tx: Transaction, review: Review) -> Sequence[Review]:
    """Of the same run, newest first."""
    found = tx.execute(
        select(reviews)
        .where(reviews.c.run == review.run, reviews.c.round < review.round)
        .order_by(reviews.c.round.desc())
    )
    return [_review(tx, row) for row in found.all()]


def list_reviews(
    tx: Transaction,
    gate: Gate,
    officer: Principal,
    *,
    waiting: bool = True,
    offset: int = 0,
    limit: int = LISTED,
    ids: Collection[str] | None = None,
) -> Sequence[tuple[Review, Run]]:
    """The reviews that this officer may review: those that wait, the most urgent first,
    or the decided ones, newest first; at most `limit`, after the first `offset`. `ids`: only these."""
    if "officer" not in officer.roles:
        return []
    found, start, wanted = list[tuple[Review, Run]](), 0, offset + limit
    while len(found) < wanted:
        size = min(wanted - len(found), LISTED)
        some = _some_reviews(tx, waiting=waiting, offset=start, limit=size, ids=ids)
        decisions = decide_reviews(tx, gate, officer, some)
        found += [each for each, decision in zip(some, decisions, strict=True) if decision.allowed]
        start += size
        if len(some) < size:
            break
    return found[offset:wanted]


def _some_reviews(
    tx: Transaction, *, waiting: bool, offset: int, limit: int, ids: Collection[str] | None
) -> Sequence[tuple[Review, Run]]:
    query = (
        select(reviews).order_by(reviews.c.due_at, reviews.c.id)
        if waiting
        else select(reviews).order_by(reviews.c.decided_at.desc(), reviews.c.id)
    )
    states = WAITING if waiting else (ReviewState.DECIDED,)
    of_state = query.where(reviews.c.state.in_([state.value for state in states]))
    if ids is not None:
        of_state = of_state.where(cast(reviews.c.id, Text) == any_(array_of(ids)))
    rows = tx.execute(of_state.limit(limit).offset(offset)).all()
    of_runs = tx.execute(select(runs).where(runs.c.id.in_([row.run for row in rows])))
    known = {row.id: as_run(row) for row in of_runs}
    return [(review, known[review.run]) for review in _reviews(tx, rows)]


def versions_of(tx: Transaction, repository: DatasetRepository, run: Run) -> tuple[Version, ...]:
    """What the run read."""
    return tuple(repository.version(tx, one.dataset, one.version) for one in run.inputs)


def output_files(tx: Transaction, run: UUID) -> dict[str, StoredFile]:
    """What the run left in quarantine, by path."""
    return {
        row.path: _left(row)
        for row in tx.execute(select(run_files).where(run_files.c.run == run).order_by(run_files.c.path))
    }


def released(tx: Transaction, run: UUID) -> dict[str, StoredFile]:
    """What the team has got of the run, by path."""
    return {
        row.path: _left(row)
        for row in tx.execute(
            select(released_files).where(released_files.c.run == run).order_by(released_files.c.path)
        )
    }


def earlier_releases(tx: Transaction, datasets: Sequence[str], *, but: UUID) -> Sequence[EarlierRelease]:
    """Files that left before, of any team, whose run read one of these datasets; newest first."""
    query = (
        select(
            released_files.c.path,
            runs.c.team,
            runs.c.id,
            runs.c.inputs,
            runs.c.kind,
            review_files.c.statbarn,
            reviews.c.decided_at,
        )
        .join(runs, runs.c.id == released_files.c.run)
        .join(reviews, reviews.c.id == released_files.c.review)
        .join(
            review_files,
            (review_files.c.review == released_files.c.review)
            & (review_files.c.path == released_files.c.path),
        )
        .where(runs.c.id != but, or_(*(runs.c.inputs.contains([{"dataset": name}]) for name in datasets)))
        .order_by(reviews.c.decided_at.desc(), released_files.c.path)
        .limit(LISTED)
    )
    return [
        EarlierRelease(
            row.team,
            row.id,
            row.path,
            row.statbarn,
            tuple(sorted({one["dataset"] for one in row.inputs} & set(datasets))),
            row.decided_at,
            RunKind(row.kind),
        )
        for row in tx.execute(query)
    ]


def runs_with_outputs_out(tx: Transaction, run: Run) -> list[Run]:
    """Other runs with recipes, of any team, of which files were released: on some of the same datasets, or on
    one that was made of them or of which they were made."""
    names = related(tx, [one.dataset for one in run.inputs])
    shared = or_(*(runs.c.inputs.contains([{"dataset": name}]) for name in names))
    query = select(runs).where(
        runs.c.state == RunState.RELEASED.value, runs.c.id != run.id, runs.c.files.has_key(RECIPES), shared
    )
    return [as_run(row) for row in tx.execute(query)]


def released_paths(tx: Transaction, of: Sequence[Run]) -> dict[UUID, set[str]]:
    """The paths that were released of these runs."""
    found: dict[UUID, set[str]] = {}
    query = select(released_files.c.run, released_files.c.path)
    for row in tx.execute(query.where(released_files.c.run.in_([run.id for run in of]))):
        found.setdefault(row.run, set()).add(row.path)
    return found


def _left(row: Row[Any]) -> StoredFile:
    return StoredFile(row.path, row.object_name, row.object_version, row.sha256, row.size)


def _review(tx: Transaction, row: Row[Any]) -> Review:
    return _reviews(tx, [row])[0]


def _reviews(tx: Transaction, rows: Sequence[Row[Any]]) -> list[Review]:
    """So many reads for all of them, not for each."""
    ids = [row.id for row in rows]
    files: dict[UUID, list[Row[Any]]] = {id: [] for id in ids}
    for file in tx.execute(
        select(*SHOWN).where(review_files.c.review.in_(ids)).order_by(review_files.c.path)
    ):
        files[file.review].append(file)
    votes: dict[UUID, list[Row[Any]]] = {id: [] for id in ids}
    for vote in tx.execute(
        select(review_votes)
        .where(review_votes.c.review.in_(ids))
        .order_by(review_votes.c.voted_at, review_votes.c.reviewer, review_votes.c.path)
    ):
        votes[vote.review].append(vote)
    return [_as_review(row, files[row.id], votes[row.id]) for row in rows]


def _as_review(row: Row[Any], files: Sequence[Row[Any]], votes: Sequence[Row[Any]]) -> Review:
    return Review(
        id=row.id,
        run=row.run,
        round=row.round,
        team=row.team,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        due_at=row.due_at,
        revision=row.revision,
        state=ReviewState(row.state),
        outcome=Outcome(row.outcome) if row.outcome else None,
        decided_at=row.decided_at,
        log_index=row.log_index,
        told_bits=row.told_bits,
        compared_runs=row.compared_runs,
        files=tuple(
            ReviewedFile(
                Declared(file.path, file.statbarn, file.context, file.controls, file.counts),
                None if file.findings is None else tuple(as_finding(one) for one in file.findings),
                file.bits,
                None
                if file.differences is None
                else tuple(read_plain(Difference, _with_later_fields(one)) for one in file.differences),
            )
            for file in files
        ),
        votes=tuple(
            CastVote(
                vote.reviewer,
                vote.organisation,
                Round(vote.round),
                Vote(vote.path, Choice(vote.vote), vote.comment, tuple(vote.reasons)),
                vote.voted_at,
            )
            for vote in votes
        ),
    )


def _with_later_fields(difference: dict[str, Any]) -> dict[str, Any]:
    """A difference as it is stored now, of one that an earlier release stored."""
    table = difference["table"]
    return {"team": ""} | difference | {"table": table if table is None else {"least_change": None} | table}


OLDER_NAMES = {"mend": "remedy", "mend_zh": "remedy_zh"}
"""What earlier releases called the fields of a finding that they stored."""


def as_finding(stored: dict[str, Any]) -> Finding:
    fields = {OLDER_NAMES.get(name, name): value for name, value in stored.items()}
    return Finding(**{**fields, "severity": Severity(fields["severity"])})
