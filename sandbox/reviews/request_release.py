"""Requests the release of a run's files, changes the declarations, and withdraws the request.

The request is checked as words, and never against what is there: whether a run left a file is data. So a
request takes the same time and gets the same answer whatever the run has left.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.grade import grade_of
from sandbox.catalog.versions import require_rows
from sandbox.database import Transaction
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.jobs import Run, RunState, load_run
from sandbox.jobs.read import load_own_run
from sandbox.jobs.recipes import outputs_of_run
from sandbox.reviews.capacity_ledger import (
    answer_bits,
    organisations_told,
    record_organisations,
    require_capacity,
)
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.declarations import check_declared
from sandbox.reviews.model import WAITING, Declared, Review, ReviewState, Round
from sandbox.reviews.read import load_review, newest_review, reviewers_told, versions_of
from sandbox.reviews.rules import due_at, rule_of
from sandbox.reviews.tables import review_files, review_votes, reviews
from sandbox.splits.earlier_runs import require_read_as_now

ASKABLE = (RunState.FINISHED, RunState.RETURNED)


def request_release(
    context: ReviewContext, *, principal: Principal, run: UUID, files: Sequence[Declared]
) -> Review:
    """Ask for these files. Raises `InvalidInput`, `NotFound` (the run), `Conflict` (it runs, is reviewed,
    or was decided), `BudgetExhausted` (the team was told as much as it may be in this time)."""
    check_declared(files, context.taxonomy.names)
    id, now = uuid4(), datetime.now(UTC)
    with context.database.transaction() as tx:
        asked = load_own_run(tx, principal, run, lock=True)
        files = _with_own_declarations(asked, files)
        last = newest_review(tx, run)
        if last and last.state in WAITING:
            raise Conflict(
                "These files wait for reviewers already.",
                remedy="Change a declaration, or take the request back.",
                zh="已有待审核的放行申请。",
                remedy_zh="可修改文件说明，或撤回申请。",
            )
        if asked.state not in ASKABLE:
            raise Conflict(
                f"The run is {asked.state.value}.",
                zh="该运行的状态不允许申请放行。",
                remedy=(
                    "Files can be asked for once its end is told, until reviewers have "
                    "released or refused them."
                ),
                remedy_zh="运行结束后可申请；放行或拒绝之后不可再申请。",
            )
        require_rows(tx, ((one.dataset, one.version) for one in asked.inputs))
        versions = versions_of(tx, context.repository, asked)
        require_read_as_now(tx, versions, asked.started_at)
        grade = grade_of(context.gate, versions)
        rule = rule_of(context.policy, grade)
        bits = answer_bits(len(files), rule.reviewers, len(context.policy.reasons))
        behind = {principal.organisation, *organisations_told(tx, asked.team)}
        require_capacity(tx, context.taxonomy, asked.team, behind, grade, bits)
        tx.execute(
            insert(reviews).values(
                id=id,
                run=run,
                round=last.round + 1 if last else 1,
                team=asked.team,
                requested_by=principal.id,
                requested_at=now,
                due_at=due_at(now, rule.days, context.policy.closed),
                revision=1,
                state=ReviewState.OPEN.value,
                grade=grade,
                told_bits=bits,
            )
        )
        record_organisations(tx, id, behind)
        tx.execute(insert(review_files), [_row(id, one) for one in files])
        append(
            tx,
            Event(
                "release.requested",
                principal.id,
                f"review:{id}",
                {"run": str(run), "team": asked.team, "files": _said(files)},
            ),
            # whoever may not review it, and who has done so, is shown no notice of it
            to=[notices.ALL_OFFICERS]
            if rule.other_department
            else [notices.officers(version.policy.department) for version in versions],
        )
        return load_review(tx, id)


def change_declarations(
    context: ReviewContext, *, principal: Principal, run: UUID, files: Sequence[Declared]
) -> Review:
    """Say something else of some of the files, or ask for more.
    What was voted on these falls, and so does every final vote; a declaration that is the same as
    before changes nothing."""
    check_declared(files, context.taxonomy.names)
    with context.database.transaction() as tx:
        review = _own_waiting(tx, principal, run)
        files = _with_own_declarations(load_own_run(tx, principal, run), files)
        before = {file.declared.path: file.declared for file in review.files}
        check_declared([*{**before, **{one.path: one for one in files}}.values()], context.taxonomy.names)
        changed = [one for one in files if before.get(one.path) != one]
        if not changed:
            return review
        for one in changed:
            row = _row(review.id, one) | dict.fromkeys(("findings", "bits", "differences", "labels", "cells"))
            tx.execute(
                upsert(review_files)
                .values(row)
                .on_conflict_do_update(
                    index_elements=["review", "path"],
                    set_={name: row[name] for name in row if name not in ("review", "path")},
                )
            )
        tx.execute(
            delete(review_votes).where(
                review_votes.c.review == review.id,
                (review_votes.c.round == Round.FINAL.value)
                | review_votes.c.path.in_([one.path for one in changed]),
            )
        )
        grade = grade_of(context.gate, versions_of(tx, context.repository, load_run(tx, run)))
        rule = rule_of(context.policy, grade)
        asked = len(before.keys() | {one.path for one in files})
        bits = answer_bits(asked, rule.reviewers, len(context.policy.reasons))
        if bits > review.told_bits:
            behind = {principal.organisation, *organisations_told(tx, review.team, review.id)}
            require_capacity(tx, context.taxonomy, review.team, behind, grade, bits - review.told_bits)
        tx.execute(
            update(reviews)
            .where(reviews.c.id == review.id)
            .values(
                revision=review.revision + 1,
                state=ReviewState.OPEN.value,
                told_bits=max(bits, review.told_bits),
            )
        )
        event = Event("release.changed", principal.id, f"review:{review.id}", {"files": _said(changed)})
        append(tx, event, to=reviewers_told(tx, review.id))
        return load_review(tx, review.id)


def withdraw(context: ReviewContext, *, principal: Principal, run: UUID) -> Review:
    """Take the request back, as long as it is not decided; the run can be asked for again."""
    with context.database.transaction() as tx:
        review = _own_waiting(tx, principal, run)
        tx.execute(update(reviews).where(reviews.c.id == review.id).values(state=ReviewState.WITHDRAWN.value))
        event = Event("release.withdrawn", principal.id, f"review:{review.id}", {"run": str(run)})
        append(tx, event, to=reviewers_told(tx, review.id))
        return load_review(tx, review.id)


def own_review(tx: Transaction, principal: Principal, run: UUID) -> tuple[Run, Review | None]:
    """A run of the principal's team, and the newest request for its files. Raises `NotFound`."""
    return load_own_run(tx, principal, run), newest_review(tx, run)


def _with_own_declarations(run: Run, files: Sequence[Declared]) -> list[Declared]:
    """What the run's recipes left is declared as what it is: nothing of it is the team's to say."""
    own = {output.path: output for output in outputs_of_run(run)}
    return [
        replace(
            file,
            statbarn=output.statbarn,
            context=output.context,
            controls=output.controls,
            counts=output.counts,
        )
        if (output := own.get(file.path))
        else file
        for file in files
    ]


def _own_waiting(tx: Transaction, principal: Principal, run: UUID) -> Review:
    load_own_run(tx, principal, run)
    review = newest_review(tx, run, lock=True)
    if review is None or review.state not in WAITING:
        raise Conflict(
            "No request for files of this run waits.",
            remedy="Ask for them.",
            zh="该运行没有待审核的放行申请。",
            remedy_zh="请先申请。",
        )
    return review


def _row(review: UUID, one: Declared) -> dict[str, object]:
    return {
        "review": review,
        "path": one.path,
        "statbarn": one.statbarn,
        "context": one.context.strip(),
        "controls": one.controls.strip(),
        "counts": one.counts,
    }


def _said(files: Sequence[Declared]) -> list[dict[str, object]]:
    return [{"path": one.path, "statbarn": one.statbarn, "counts": one.counts} for one in files]
