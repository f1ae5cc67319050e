"""The views of a review: what its team sees, and what an officer who may review it sees."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from math import ceil
from typing import Any

from sandbox.catalog import Version
from sandbox.catalog.grade import grade_of
from sandbox.database import Transaction
from sandbox.disclosure.plain_values import plain
from sandbox.grants import load_grant
from sandbox.identity import Principal
from sandbox.jobs import Run
from sandbox.jobs.recipes import declared_zh, recipes_of
from sandbox.reviews.capacity_ledger import (
    capacity_told,
    organisation_told,
    organisations_told,
    released_bits,
)
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import WAITING, CastVote, Choice, Finding, Outcome, Review, ReviewState, Round
from sandbox.reviews.read import StoredFile, earlier_releases, earlier_rounds, output_files, versions_of
from sandbox.reviews.rules import STRICTER, ballots, missing_reviewers, needed, rule_of, shown_votes
from sandbox.reviews.view_ending import RunEnding


def team_view(review: Review) -> dict[str, Any]:
    """What it asked for, whether it is decided, and what reviewers want of it:
    never what was found, nor who they are, nor how far they have come."""
    waits = review.state in WAITING
    return {
        "run": str(review.run),
        "round": review.round,
        "requested_by": review.requested_by,
        "requested_at": review.requested_at.isoformat(),
        "due_at": review.due_at.isoformat(),
        "state": ReviewState.OPEN.value if waits else review.state.value,
        "outcome": review.outcome.value if review.outcome else None,
        "decided_at": review.decided_at.isoformat() if review.decided_at else None,
        "log_index": review.log_index,
        "files": [asdict(file.declared) for file in review.files],
        "comments": comments_of(review),
    }


def comments_of(review: Review) -> list[dict[str, Any]]:
    """The reviewers' last words on each file, the strictest first;
    only where something is wanted of the team, or refused."""
    if review.outcome not in (Outcome.RETURNED, Outcome.REFUSED):
        return []
    final = [one for one in review.votes if one.round is Round.FINAL]
    last = sorted(
        final or review.votes,
        key=lambda one: (one.vote.path, -STRICTER.index(one.vote.choice), one.vote.comment),
    )
    return [
        {
            "path": one.vote.path,
            "vote": one.vote.choice.value,
            "reasons": list(one.vote.reasons),
            "comment": one.vote.comment,
        }
        for one in last
        if one.vote.comment
    ]


def told_in_queue(review: Review, run: Run, officer: Principal) -> dict[str, Any]:
    """One line of the queue."""
    return {
        "id": str(review.id),
        "run": str(run.id),
        "name": run.name,
        "team": review.team,
        "round": review.round,
        "requested_by": review.requested_by,
        "requested_at": review.requested_at.isoformat(),
        "due_at": review.due_at.isoformat(),
        "overdue": review.overdue(datetime.now(UTC)),
        "state": review.state.value,
        "outcome": review.outcome.value if review.outcome else None,
        "decided_at": review.decided_at.isoformat() if review.decided_at else None,
        "files": len(review.files),
        "datasets": [f"{one.dataset}@{one.version}" for one in run.inputs],
        "voted": has_voted(review, officer),
    }


def has_voted(review: Review, officer: Principal) -> bool:
    """Whether the officer did their part of the round that runs."""
    mine = ballots(review.votes, Round.FINAL if review.state is ReviewState.CONSOLIDATING else Round.BLIND)
    return set(mine.get(officer.id, ())) == review.paths


def told_to_reviewer(
    tx: Transaction, context: ReviewContext, review: Review, run: Run, officer: Principal
) -> dict[str, Any]:
    """Everything but the bytes, and but the votes of the others while they are blind."""
    versions, left = versions_of(tx, context.repository, run), output_files(tx, run.id)
    grade = grade_of(context.gate, versions)
    datasets = sorted({one.dataset for one in run.inputs})
    asked = {name for file in review.files for name in (file.declared.path, file.declared.counts)}
    blind = ballots(review.votes, Round.BLIND)
    in_chinese = declared_zh(recipes_of(run))
    return told_in_queue(review, run, officer) | {
        "revision": review.revision,
        "grade": grade,
        "log_index": review.log_index,
        "needed": needed(rule_of(context.policy, grade), review.files, context.low_risk),
        "submitted": sum(set(ballot) == review.paths for ballot in blind.values()),
        "seat_free_able": review.overdue(datetime.now(UTC))
        and bool(missing_reviewers(review.paths, review.votes, state=review.state)),
        "program": {"entry": run.program.entry, "files": run.program.files, "sha256": run.program.sha256},
        "environment_sha256": run.environment_sha256,
        "inputs": [_input(tx, run, place, version) for place, version in enumerate(versions)],
        "models": [{"name": one.name, "version": one.version} for one in run.models],
        "files": [
            asdict(file.declared)
            | _in_chinese(in_chinese, file.declared.path)
            | _found(left, file.declared.path)
            | {
                "counts_left": file.declared.counts in left if file.declared.counts else None,
                "findings": [_finding(one) for one in file.findings or ()],
                "bits": None if file.bits is None else ceil(file.bits),
                "differences": [plain(one) for one in file.differences or ()],
            }
            for file in review.files
        ],
        "not_asked_for": sorted(left.keys() - asked),
        "votes": [_vote(one) for one in shown_votes(review.votes, state=review.state, reviewer=officer.id)],
        "earlier_rounds": [
            {
                "round": one.round,
                "state": one.state.value,
                "outcome": one.outcome.value if one.outcome else None,
                "comments": comments_of(one),
            }
            for one in earlier_rounds(tx, review)
        ],
        "earlier_releases": [
            {
                "team": one.team,
                "run": str(one.run),
                "path": one.path,
                "statbarn": one.statbarn,
                "datasets": list(one.datasets),
                "released_at": one.released_at.isoformat(),
            }
            for one in earlier_releases(tx, datasets, but=run.id)
        ],
        "capacity": _capacity(tx, context, review, grade, left),
        "reasons": words_of(context),
        "votes_are": [choice.value for choice in Choice],
    }


def _capacity(
    tx: Transaction, context: ReviewContext, review: Review, grade: str, left: Container[str]
) -> dict[str, Any]:
    """What this review counts in the ledgers of the team and of the organisations behind it if it is
    released, and what the ledgers say without it."""
    told = capacity_told(tx, context.taxonomy, review.team, grade, but=review.id)
    behind = sorted(organisations_told(tx, review.team, review.id))
    bits, files = released_bits(file for file in review.files if file.declared.path in left)
    released = review.outcome is Outcome.RELEASED
    return {
        "days": told.days,
        "told_bits": told.bits,
        "told_files": told.files,
        "limit_bits": told.limit_bits,
        "limit_files": told.limit_files,
        "answer_bits": review.told_bits - (bits if released else 0),
        "release_bits": bits,
        "release_files": files,
        "organisations": [
            {
                "organisation": name,
                "told_bits": one.bits,
                "told_files": one.files,
                "limit_bits": one.limit_bits,
                "limit_files": one.limit_files,
            }
            for name in behind
            for one in [organisation_told(tx, context.taxonomy, name, grade, but=review.id)]
        ],
    }


def words_of(context: ReviewContext) -> dict[str, dict[str, str]]:
    """The reasons that a reviewer may give, in both languages."""
    return {code: {"zh": zh, "en": en} for code, (zh, en) in context.policy.reasons.items()}


def told_files(files: Iterable[StoredFile]) -> list[dict[str, Any]]:
    return [{"path": one.path, "sha256": one.sha256, "size": one.size} for one in files]


def _input(tx: Transaction, run: Run, place: int, version: Version) -> dict[str, Any]:
    one = run.inputs[place]
    grant = load_grant(tx, one.grant) if one.grant is not None else None
    return {
        "dataset": one.dataset,
        "version": one.version,
        "department": version.policy.department,
        "grade": version.policy.grade,
        "grant": one.grant,
        "purpose": grant.purpose if grant else "",
        "grant_status": grant.status.value if grant else None,
    }


def _in_chinese(declared: Mapping[str, tuple[str, str]], path: str) -> dict[str, str]:
    """Of what a recipe left; nothing of what its author declared."""
    return dict(zip(("context_zh", "controls_zh"), declared.get(path, ()), strict=False))


def _found(left: dict[str, StoredFile], path: str) -> dict[str, Any]:
    file = left.get(path)
    return {
        "left": file is not None,
        "size": file.size if file else None,
        "sha256": file.sha256 if file else None,
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {**asdict(one), "severity": one.severity.value}


def told_ending(ending: RunEnding) -> dict[str, Any]:
    """How a run ended, for a reviewer."""
    said = {"why": "", "predictions": "", "recipes": {}} | ending.exit
    names = ("ended", "status", "seconds", "why", "predictions", "recipes", "left_out")
    return {name: said[name] for name in names} | {
        "log": ending.log,
        "findings": [_finding(one) for one in ending.findings],
    }


def _vote(one: CastVote) -> dict[str, Any]:
    return {
        "reviewer": one.reviewer,
        "organisation": one.organisation,
        "round": one.round.value,
        "path": one.vote.path,
        "vote": one.vote.choice.value,
        "comment": one.vote.comment,
        "reasons": list(one.vote.reasons),
        "voted_at": one.voted_at.isoformat(),
    }
