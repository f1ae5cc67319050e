"""Shows a reviewer how a run ended: its exit, its log through the same checks as a file, and what was not
collected."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sandbox.audit import Event, append
from sandbox.catalog.grade import grade_of
from sandbox.disclosure.check_file import check_files
from sandbox.disclosure.declaration import Declaration
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.jobs import load_run
from sandbox.jobs.quarantine import EXIT, LOG
from sandbox.reviews.checks import fetched
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import Finding
from sandbox.reviews.permit import refusals_logged, require_reviewer
from sandbox.reviews.read import load_review, output_files, versions_of

AS_A_LOG = Declaration("log", "What the program of the run said.", "Nothing: it is not asked for.")


@dataclass(frozen=True)
class RunEnding:
    """`exit` is what exit.json says (jobs/quarantine.py), `findings` what the checks say of the log."""

    exit: dict[str, Any]
    log: str
    findings: list[Finding]


def view_ending(context: ReviewContext, *, officer: Principal, id: UUID) -> RunEnding:
    """The view is logged first, as that of a file is: a log can say what the rows say.
    Raises `Refused`, `NotFound`, `Unavailable`."""
    with refusals_logged(context.database), context.database.transaction() as tx:
        review = load_review(tx, id)
        run = load_run(tx, review.run)
        require_reviewer(tx, context.gate, officer, review, run)
        left = output_files(tx, review.run)
        if not {EXIT, LOG} <= left.keys():
            raise NotFound("The run left no record of its end.", zh="该运行没有留下结束记录。")
        append(
            tx,
            Event(
                "file.viewed",
                officer.id,
                f"review:{id}",
                {"run": str(review.run), "path": LOG, "sha256": left[LOG].sha256, "original": True},
            ),
        )
        versions = versions_of(tx, context.repository, run)
    ended = dict(json.loads(fetched(context, left[EXIT])))
    said = fetched(context, left[LOG])
    rules = context.taxonomy.at(grade_of(context.gate, versions))
    findings: list[Finding] = []
    if said.strip():
        checked = check_files({LOG: (said, AS_A_LOG)}, rules, context.raw.of(versions), context.decode)
        findings = checked[LOG].findings
    return RunEnding(ended, said.decode("utf-8", "backslashreplace"), findings)
