"""Runs the automatic checks on each file that was requested: when a reviewer first opens the review.
Their findings are then kept.

They do not run sooner, because the team's request must take a time that depends on nothing. A declared
query's table is checked again when another was released since.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from uuid import UUID

from sqlalchemy import delete, update

from sandbox.catalog import Version
from sandbox.catalog.grade import grade_of
from sandbox.database import Transaction
from sandbox.declared.table_store import mark_checked
from sandbox.derivations.dependents import related
from sandbox.disclosure.check_file import CheckedFile, check_files
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.decode import Decode, Decoded, Undecoded, decode_here
from sandbox.disclosure.plain_values import plain
from sandbox.errors import Unavailable
from sandbox.identity import Principal
from sandbox.jobs import Run, RunKind, load_run
from sandbox.jobs.recipes import MeasuredOutput, Recipe, how_computed, outputs_of, outputs_of_run, recipes_of
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.declared_tables import Beside, beside, beside_findings, is_stale
from sandbox.reviews.earlier_differences import (
    Leaving,
    are_compared,
    differences_of,
    earlier_of,
    kept_likeness,
    opened_as_it_leaves,
    small_changes,
)
from sandbox.reviews.joint_influence import influence_findings
from sandbox.reviews.known_texts import known_texts
from sandbox.reviews.model import (
    WAITING,
    Declared,
    Difference,
    Finding,
    Review,
    ReviewedFile,
    ReviewState,
    Round,
    Severity,
)
from sandbox.reviews.permit import refusals_logged, require_reviewer
from sandbox.reviews.read import (
    StoredFile,
    load_review,
    output_files,
    released_paths,
    runs_with_outputs_out,
    versions_of,
)
from sandbox.reviews.tables import review_files, review_votes, reviews

MISSING = Finding(
    code="missing",
    risk="existence",
    severity=Severity.ASKS,
    message="The run left no file of this name. That it did not may itself tell something.",
    remedy="If you approve, nothing of it is released; say why that may be known.",
    zh="运行没有留下此文件；这一点本身也可能透露信息。",
    remedy_zh="批准则不放行任何内容；请说明为何可以让人知道。",
)
OTHER_VERSION = Finding(
    code="other_version_out",
    risk="differencing",
    severity=Severity.ASKS,
    message="Outputs that the vault computed on another version of the data have left.",
    remedy="Look at them below: few people in one version and not in the other may be the difference.",
    zh="由保险库对另一版本数据计算的输出已放行。",
    remedy_zh="请查看下列结果：只在其中一个版本中的少数人可能就是二者之差。",
)
NO_COUNTS = Finding(
    code="counts_missing",
    risk="support",
    severity=Severity.ASKS,
    message="The run left no file of the name that is given for its supporting counts.",
    remedy="Ask for the counts, or say why they are not needed.",
    zh="运行没有留下所称的支持性计数文件。",
    remedy_zh="请要求提供计数，或说明为何不需要。",
)


def checked_review(context: ReviewContext, *, officer: Principal, id: UUID) -> Review:
    """The review with its findings, for an officer who may review it.
    Raises `Refused`, `NotFound`, `Unavailable`."""
    with refusals_logged(context.database), context.database.transaction() as tx:
        review = load_review(tx, id)
        require_reviewer(tx, context.gate, officer, review, load_run(tx, review.run))
        run, left = load_run(tx, review.run), output_files(tx, review.run)
        versions = versions_of(tx, context.repository, run)
        stale = is_stale(tx, run)
        kept = kept_likeness(tx, review.id)
        like = earlier_of(tx, run, review, kept)
        earlier = runs_with_outputs_out(tx, run) if recipes_of(run) else []
        due = (
            stale
            or review.compared_runs != len(earlier)
            or not are_compared(review, like)
            or any(file.findings is None or file.declared.path not in kept for file in review.files)
        )
        others = beside(tx, run) if due else None
        out = released_paths(tx, earlier) if due else {}
        kin = {one.dataset: related(tx, [one.dataset]) for one in versions} if due else {}
    if not due or review.state not in WAITING:
        return review
    # all of them, whichever was declared anew: what a file discloses can depend on the others
    computed = {output.path: output for output in outputs_of_run(run, earlier)}
    found = _checked(
        context,
        versions,
        [file.declared for file in review.files],
        left,
        others,
        computed,
        run,
    )
    for path, findings in _influence(context, run, versions, found.keys(), out, earlier, kin).items():
        found[path] = found[path].beside(findings)
    if reads_other_versions(run, earlier):
        for path in computed.keys() & found.keys():
            found[path].findings.append(OTHER_VERSION)
    decode = decoder_of(context, run)
    leaving = opened_as_it_leaves(context, decode, {path: one.leaves for path, one in found.items()})
    with context.database.transaction() as tx:
        like = earlier_of(tx, run, review, {path: one.likeness for path, one in leaving.items()})
    differences = differences_of(context, decode, run, leaving, like)
    least = context.taxonomy.at(grade_of(context.gate, versions)).thresholds.minimum_count
    for file in review.files:
        path = file.declared.path
        # of what a recipe left, its influence is known
        if path not in computed and context.taxonomy.is_counting(file.declared.statbarn):
            found[path] = found[path].beside(small_changes(differences[path], least))
    with context.database.transaction() as tx:
        now = load_review(tx, id, lock=True)
        # else another declaration is to be checked: whoever looks next does so
        if now.revision == review.revision:
            for file in now.files:
                path = file.declared.path
                _keep(tx, now, file, found[path], differences[path], leaving.get(path))
            tx.execute(update(reviews).where(reviews.c.id == id).values(compared_runs=len(earlier)))
            if others is not None:
                mark_checked(tx, now.run, others.last)
        return load_review(tx, id)


def _influence(
    context: ReviewContext,
    run: Run,
    versions: tuple[Version, ...],
    asked_for: Collection[str],
    out: Mapping[UUID, Collection[str]],
    earlier: Sequence[Run],
    kin: Mapping[str, Sequence[str]],
) -> dict[str, list[Finding]]:
    """By path, what the files that recipes left tell of one unit, beside all that left of any team. `kin`: by
    a dataset's name, those that were made of it or of which it was made."""
    mine = leaving_recipes(recipes_of(run), asked_for)
    if not mine:
        return {}
    others = [recipe for one in earlier for recipe in leaving_recipes(recipes_of(one), out.get(one.id, ()))]
    rules = context.taxonomy.at(grade_of(context.gate, versions))
    by_name: dict[str, list[Finding]] = {}
    for version in versions:
        if version.policy.unit is not None and any(
            getattr(recipe, "dataset", None) == version.dataset for recipe in mine
        ):
            rows = context.raw.rows(version)
            kept = kin[version.dataset]
            by_name |= influence_findings(mine, others, version, rows, rules.thresholds, kept)
    drawn_of = {recipe.name: getattr(recipe, "of", recipe.name) for recipe in recipes_of(run)}
    return {
        output.path: by_name[drawn_of[recipe.name]]
        for recipe, output in zip(recipes_of(run), outputs_of_run(run), strict=True)
        if output.path in asked_for and drawn_of[recipe.name] in by_name
    }


def leaving_recipes(recipes: Sequence[Recipe], paths: Collection[str]) -> list[Recipe]:
    """Those of which a file of these paths shows something: their own, or a chart of it."""
    shown = {
        getattr(recipe, "of", recipe.name)
        for recipe, output in zip(recipes, outputs_of(recipes), strict=True)
        if output.path in paths
    }
    return [recipe for recipe in recipes if recipe.name in shown]


def reads_other_versions(run: Run, earlier: Sequence[Run]) -> bool:
    """Whether some of these read a dataset of the run's in another version. Open data tell of nobody."""
    mine = {one.dataset: one.version for one in run.inputs if one.grant is not None}
    return any(mine.get(one.dataset, one.version) != one.version for other in earlier for one in other.inputs)


def _keep(
    tx: Transaction,
    review: Review,
    file: ReviewedFile,
    checked: CheckedFile,
    differences: Sequence[Difference],
    leaving: Leaving | None,
) -> None:
    """Votes on a file fall when something else is found in it than its voters saw,
    as when its declaration changes."""
    at = review_files.c.review == review.id, review_files.c.path == file.declared.path
    findings = checked.findings
    if file.findings is not None and file.findings != tuple(findings):
        tx.execute(
            delete(review_votes).where(
                review_votes.c.review == review.id,
                (review_votes.c.round == Round.FINAL.value) | (review_votes.c.path == file.declared.path),
            )
        )
        tx.execute(update(reviews).where(reviews.c.id == review.id).values(state=ReviewState.OPEN.value))
    kept = {
        "findings": [asdict(finding) for finding in findings],
        "bits": checked.bits,
        "differences": [plain(difference) for difference in differences],
        "labels": list(leaving.likeness.labels) if leaving else [],
        "cells": list(leaving.likeness.cells) if leaving else [],
    }
    tx.execute(update(review_files).where(*at).values(kept))


def _checked(
    context: ReviewContext,
    versions: tuple[Version, ...],
    asked_for: list[Declared],
    left: dict[str, StoredFile],
    others: Beside | None,
    computed: Mapping[str, MeasuredOutput],
    run: Run,
) -> dict[str, CheckedFile]:
    """What the checks say of each file by itself, of all of them together,
    and of a declared table beside all that left."""
    rules, raw = context.taxonomy.at(grade_of(context.gate, versions)), context.raw.of(versions)
    there: dict[str, tuple[bytes, Declaration]] = {}
    found: dict[str, CheckedFile] = {}
    known = known_texts(versions, recipes_of(run))
    for one in asked_for:
        file, counts = left.get(one.path), left.get(one.counts or "")
        if file is None:
            found[one.path] = CheckedFile([MISSING])
            continue
        said = Declaration(
            one.statbarn,
            one.context,
            one.controls,
            fetched(context, counts) if counts else None,
            *how_computed(computed.get(one.path)),
            known=known,
        )
        there[one.path] = fetched(context, file), _counted(run, said)
    found |= check_files(there, rules, raw, decoder_of(context, run))
    for one in asked_for:
        if one.path not in there:
            continue
        if one.counts is not None and one.counts not in left:
            found[one.path].findings.append(NO_COUNTS)
        if others is not None:
            found[one.path].findings += beside_findings(others, one.path, rules.thresholds.minimum_count)
    return found


def decoder_of(context: ReviewContext, run: Run) -> Decode:
    """What the vault counted itself is read without a seal: no program wrote it."""
    return decode_here if run.kind is RunKind.TABLE else context.decode


def leaving_files(
    context: ReviewContext, tx: Transaction, run: Run, files: Mapping[str, tuple[bytes, str]]
) -> dict[str, Decoded]:
    """What would leave of files (content, statbarn), by their paths: `leaves`, or why nothing would."""
    wanted = undecoded(context, run, versions_of(tx, context.repository, run), files)
    return dict(zip(files, decoder_of(context, run)(wanted, context.taxonomy.file_limits), strict=True))


def undecoded(
    context: ReviewContext, run: Run, versions: tuple[Version, ...], files: Mapping[str, tuple[bytes, str]]
) -> list[Undecoded]:
    """Files (content, statbarn) to be written anew in the form that their review checks."""
    rules = context.taxonomy.at(grade_of(context.gate, versions))
    computed = {output.path: output for output in outputs_of_run(run)}
    return [
        Undecoded(
            path,
            content,
            rules.form(_counted(run, Declaration(statbarn, "", "", None, *how_computed(computed.get(path))))),
            opens=False,
        )
        for path, (content, statbarn) in files.items()
    ]


def _counted(run: Run, declared: Declaration) -> Declaration:
    """Of a declared query's table the vault counts the units, too."""
    return replace(declared, counted=True) if run.kind is RunKind.TABLE else declared


def fetched(context: ReviewContext, file: StoredFile) -> bytes:
    """The bytes that the run left, and no others. Raises `Unavailable`."""
    content = context.quarantine.get(file.object_name, file.object_version)
    return exact(content, file)


def exact(content: bytes, file: StoredFile) -> bytes:
    """`content`, if it is what was recorded. Raises `Unavailable`."""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise Unavailable(
            "A file is not what was recorded.", code="storage_damaged", remedy="Tell the operator."
        )
    return content
