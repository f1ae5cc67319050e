"""Writes a run's package: its whole story in one file that anybody can check.

It is an RO-Crate (1.1) after the Five Safes profile, zipped, and signed with the log's key. It holds the
program's text, which environment and which versions of which datasets the program read (no row of them), the
purpose of each grant, what was requested and declared, how it was decided, the released files and the
receipt. The findings of the checks are shown to officers in full and to the team by code alone. Who voted is
shown to officers and auditors. `verify_package` checks it offline.
"""

import hashlib
import io
import json
import mimetypes
import zipfile
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sandbox.audit import Log
from sandbox.errors import NotFound
from sandbox.grants import load_grant
from sandbox.identity import Principal
from sandbox.jobs import Run, load_run
from sandbox.jobs.read import load_own_run
from sandbox.policy import Resource
from sandbox.reviews.checks import exact
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import CastVote, Review, ReviewedFile
from sandbox.reviews.permit import refusals_logged, require_reviewer
from sandbox.reviews.read import StoredFile, load_review, newest_review, released
from sandbox.reviews.verify_package import METADATA, SIGNATURE, statement
from sandbox.reviews.views import team_view

Part = dict[str, Any]
PROFILE = "https://w3id.org/5s-crate/0.4"
CRATE = "https://w3id.org/ro/crate/1.1"
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def package_for_team(context: ReviewContext, log: Log, *, principal: Principal, run: UUID) -> bytes:
    """For somebody of the run's team: nobody's name. Raises `NotFound`."""
    with context.database.transaction() as tx:
        return _zipped(
            context, log, *_known(context, load_own_run(tx, principal, run)), named=False, with_files=True
        )


def package_for_officer(context: ReviewContext, log: Log, *, officer: Principal, review: UUID) -> bytes:
    """With the reviewers' names: for an officer who may review it;
    and for auditors, who get digests instead of the files. Raises `Refused`, `NotFound`."""
    with refusals_logged(context.database), context.database.transaction() as tx:
        asked = load_review(tx, review)
        run = load_run(tx, asked.run)
        # what the vault itself did is open to auditors alone: their own entries are open to all who made them
        audits = context.gate.decide(
            officer, "read_openings", Resource("LogEntry", "vault", {"actor": "vault"})
        )
        if not audits.allowed:
            require_reviewer(tx, context.gate, officer, asked, run)
    return _zipped(context, log, *_known(context, run), named=True, with_files=not audits.allowed)


def _known(context: ReviewContext, run: Run) -> tuple[Run, Review, Mapping[str, StoredFile], list[Part]]:
    with context.database.transaction() as tx:
        review = newest_review(tx, run.id)
        if review is None or review.outcome is None:
            raise NotFound(
                "This run has no decided review: there is nothing to package yet.",
                zh="该运行尚无审核结论，暂无可导出的内容。",
                remedy="Ask for files, and wait for the reviewers.",
                remedy_zh="请先申请放行并等待审核。",
            )
        inputs = []
        for one in run.inputs:
            grant = load_grant(tx, one.grant) if one.grant is not None else None
            inputs.append(
                {
                    "dataset": one.dataset,
                    "version": one.version,
                    "grant": one.grant,
                    "purpose": grant.purpose if grant else None,
                }
            )
        return run, review, released(tx, run.id), inputs


def _zipped(
    context: ReviewContext,
    log: Log,
    run: Run,
    review: Review,
    left: Mapping[str, StoredFile],
    inputs: list[Part],
    *,
    named: bool,
    with_files: bool,
) -> bytes:
    parts: dict[str, bytes] = {f"program/{name}": text.encode() for name, text in run.program.files.items()}
    parts["review.json"] = _written(_review(review, named=named))
    if review.log_index is not None:
        parts["receipts/review.json"] = _written(log.receipt(review.log_index, opening=True))
    if with_files:
        parts |= {
            f"outputs/{name}": exact(context.released.get(file.object_name, file.object_version), file)
            for name, file in left.items()
        }
    crate = _written(crate_of(run, review, inputs, left, parts))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {
            METADATA: crate,
            SIGNATURE: log.sign_statement(statement(crate)).encode(),
            **parts,
        }.items():
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def crate_of(
    run: Run, review: Review, inputs: list[Part], left: Mapping[str, StoredFile], parts: Mapping[str, bytes]
) -> Part:
    """ro-crate-metadata.json. Pure."""
    datasets = [
        {
            "@id": f"#{one['dataset']}@{one['version']}",
            "@type": "Dataset",
            "name": one["dataset"],
            "version": str(one["version"]),
            "description": f"purpose of grant {one['grant']}: {one['purpose']}"
            if one["grant"] is not None
            else "an open dataset",
        }
        for one in inputs
    ]
    program = f"program/{run.program.entry}"
    files = [
        {
            "@id": name,
            "@type": ["File", "SoftwareSourceCode"] if name == program else "File",
            "contentSize": str(len(content)),
            "sha256": hashlib.sha256(content).hexdigest(),
            "encodingFormat": mimetypes.guess_type(name)[0] or "application/octet-stream",
        }
        for name, content in sorted(parts.items())
    ]
    elsewhere = [
        {"@id": f"#outputs/{name}", "@type": "CreativeWork", "name": name, "sha256": file.sha256}
        for name, file in sorted(left.items())
        if f"outputs/{name}" not in parts
    ]
    outputs = [
        {"@id": f"outputs/{name}" if f"outputs/{name}" in parts else f"#outputs/{name}"}
        for name in sorted(left)
    ]
    decided = review.decided_at.isoformat() if review.decided_at else ""
    execution = {
        "@id": f"#run-{run.id}",
        "@type": "CreateAction",
        "name": run.name,
        "instrument": {"@id": program},
        "object": _one_or_all([{"@id": one["@id"]} for one in datasets]),
        "result": _one_or_all(outputs),
        "agent": {"@id": f"#team-{run.team}"},
        "startTime": run.submitted_at.isoformat(timespec="seconds"),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "description": f"program sha256 {run.program.sha256}, environment sha256 {run.environment_sha256}",
    }
    disclosure = {
        "@id": f"#review-{review.id}",
        "@type": "AssessAction",
        "additionalType": "https://w3id.org/shp#DisclosureCheck",
        "name": "Disclosure check",
        "object": {"@id": f"#run-{run.id}"},
        "result": {"@id": "review.json"},
        "endTime": decided,
        "description": review.outcome.value if review.outcome else "",
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Sealed run {run.name}",
        "datePublished": decided,
        "description": f"A sealed run of team {run.team}, and how its outputs were reviewed.",
        "license": {"@id": "#licence"},
        "conformsTo": {"@id": PROFILE},
        "hasPart": [{"@id": one["@id"]} for one in files],
        "mainEntity": {"@id": program},
        "mentions": [{"@id": execution["@id"]}, {"@id": disclosure["@id"]}],
        "author": {"@id": f"#team-{run.team}"},
        "sourceOrganization": {"@id": f"#team-{run.team}"},
    }
    return {
        "@context": [f"{CRATE}/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}],
        "@graph": [
            {"@id": METADATA, "@type": "CreativeWork", "conformsTo": {"@id": CRATE}, "about": {"@id": "./"}},
            root,
            {"@id": PROFILE, "@type": "Profile", "name": "Five Safes RO-Crate"},
            {
                "@id": "#licence",
                "@type": "CreativeWork",
                "name": "As agreed with the owners of the datasets.",
            },
            {"@id": f"#team-{run.team}", "@type": "Organization", "name": run.team},
            *datasets,
            *files,
            *elsewhere,
            execution,
            disclosure,
        ],
    }


def _one_or_all(linked: list[Part]) -> Part | list[Part]:
    """RO-Crate writes a single value as itself."""
    return linked[0] if len(linked) == 1 else linked


def _review(review: Review, *, named: bool) -> Part:
    """What was asked for and how it was decided. An author never saw the original: findings may quote it."""
    told = team_view(review)
    return {
        **{
            name: told[name]
            for name in ("round", "requested_at", "decided_at", "outcome", "log_index", "files", "comments")
        },
        "requested_by": review.requested_by,
        "findings": {file.declared.path: _findings(file, named=named) for file in review.files},
        "votes": [
            _vote(one, named=named)
            for one in sorted(
                review.votes, key=lambda one: (one.vote.path, one.round.value, one.vote.choice.value)
            )
        ],
    }


def _findings(file: ReviewedFile, *, named: bool) -> list[Part]:
    return [
        {"code": one.code, "risk": one.risk, "severity": one.severity.value}
        | ({"message": one.message, "where": one.where} if named else {})
        for one in file.findings or ()
    ]


def _vote(one: CastVote, *, named: bool) -> Part:
    said: Part = {
        "path": one.vote.path,
        "round": one.round.value,
        "vote": one.vote.choice.value,
        "reasons": list(one.vote.reasons),
    }
    return said | (
        {
            "reviewer": one.reviewer,
            "organisation": one.organisation,
            "comment": one.vote.comment,
            "voted_at": one.voted_at.isoformat(),
        }
        if named
        else {}
    )


def _written(document: object) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
