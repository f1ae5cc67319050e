"""Reviews over HTTP: a team requests files and reads those that were released.
Officers look, each view logged, and vote."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import ExactInt, Offset, answers
from sandbox.audit import Log
from sandbox.errors import InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.jobs import load_run
from sandbox.jobs.read import load_own_run
from sandbox.plain_text import ExactText, PlainText
from sandbox.policy import Resource
from sandbox.reviews.checks import checked_review
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import Choice, Declared, Vote
from sandbox.reviews.permit import refusals_logged
from sandbox.reviews.read import LISTED, list_reviews, load_review, released, versions_of
from sandbox.reviews.reassign_reviewer import give_seats_on
from sandbox.reviews.release import read_released
from sandbox.reviews.request_release import change_declarations, own_review, request_release, withdraw
from sandbox.reviews.run_package import package_for_officer, package_for_team
from sandbox.reviews.schemas import (
    DisclosureDocument,
    QueueLine,
    ReleasedFiles,
    ReleaseDocument,
    ReviewDocument,
    ReviewStatistics,
    RunEndingDocument,
    TrialDocument,
)
from sandbox.reviews.statistics import review_statistics
from sandbox.reviews.trial_check import PATH, check_trial
from sandbox.reviews.view_ending import view_ending
from sandbox.reviews.view_file import as_csv, view_file
from sandbox.reviews.views import (
    team_view,
    told_ending,
    told_files,
    told_in_queue,
    told_to_reviewer,
    words_of,
)
from sandbox.reviews.vote import vote

BYTES = "application/octet-stream"
MOST_PREPARED = 3
"""Of the most urgent reviews, for which what is known of the raw rows is made as soon as somebody looks."""
AS_BYTES = {
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
    "Cache-Control": "no-store",
}
"""Nobody's browser is to make a page of what a program wrote."""


class WantedFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: PlainText = Field(max_length=500, description="as the program named it, below its outbox")
    statbarn: PlainText = Field(
        max_length=100, description="which kind of statistic it is, such as frequencies"
    )
    context: PlainText = Field(max_length=8000, description="which people and variables it is about")
    controls: PlainText = Field(max_length=8000, description="what was done so that nobody can be recognised")
    counts: PlainText | None = Field(
        default=None, max_length=500, description="a file of supporting counts, which is never released"
    )


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    files: list[WantedFile] = Field(max_length=100)

    def declared(self) -> list[Declared]:
        return [Declared(**one.model_dump()) for one in self.files]


class TrialFiles(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inputs: list[PlainText] = Field(
        min_length=1, max_length=8, description="the datasets that the program reads: their grade decides"
    )
    files: list[WantedFile] = Field(max_length=100, description="as they will be asked for")
    contents: dict[PlainText, str] = Field(
        description="path -> base64 of what the trial left: the files, and their supporting counts"
    )

    recipes: ExactText | None = Field(
        default=None, max_length=60_000, description="the text of the program's recipes.json"
    )

    def bytes(self) -> dict[str, bytes]:
        try:
            return {path: base64.b64decode(content, validate=True) for path, content in self.contents.items()}
        except (binascii.Error, ValueError):
            raise InvalidInput(
                "A file's content is not base64.",
                remedy="Use cihu.check.",
                zh="文件内容不是 base64。",
                remedy_zh="请用 cihu.check。",
            ) from None


class OneVote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: PlainText = Field(max_length=500)
    vote: Choice
    comment: PlainText = Field(default="", max_length=8000)
    reasons: list[PlainText] = Field(default_factory=list, max_length=20)


class Votes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    revision: ExactInt = Field(description="of the review that you looked at")
    votes: list[OneVote] = Field(max_length=100)


def for_teams(context: ReviewContext, log: Log, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """Nothing here leads to quarantine: what is not released is not there."""
    api = APIRouter(prefix="/v1/runs", tags=["sealed runs"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/{number}/release",
        status_code=201,
        operation_id="request_release",
        summary="Ask for files of a run",
        responses=answers(ReleaseDocument, 402, 403, 404, 409, status=201),
    )
    def ask_for_files(asker: Asker, number: UUID, wanted: Wanted) -> dict[str, Any]:
        """Ask for files of a finished run. What is not named is never released. Each request counts in what
        the team may be told in a time, whatever its answer is."""
        return team_view(request_release(context, principal=asker, run=number, files=wanted.declared()))

    @api.get(
        "/{number}/release",
        operation_id="get_release",
        summary="What was asked for last, and its outcome",
        responses=answers(ReleaseDocument, 404),
    )
    def asked_for(asker: Asker, number: UUID) -> dict[str, Any]:
        """What was asked for last, whether it is decided, and what reviewers want."""
        with context.database.transaction() as tx:
            _, review = own_review(tx, asker, number)
        if review is None:
            raise NotFound(
                "Nothing was asked for of this run.",
                remedy="Ask for files: POST /v1/runs/{id}/release.",
                zh="尚未申请放行该运行的文件。",
                remedy_zh="请先申请。",
            )
        return team_view(review)

    @api.post(
        "/{number}/release/change",
        operation_id="change_release",
        summary="Change what is declared of files",
        responses=answers(ReleaseDocument, 403, 404, 409),
    )
    def say_otherwise(asker: Asker, number: UUID, wanted: Wanted) -> dict[str, Any]:
        """Say something else of some files, or ask for more, while reviewers look;
        the votes on these files fall."""
        return team_view(change_declarations(context, principal=asker, run=number, files=wanted.declared()))

    @api.post(
        "/{number}/release/withdraw",
        operation_id="withdraw_release",
        summary="Withdraw the request for files",
        responses=answers(ReleaseDocument, 403, 404, 409),
    )
    def take_back(asker: Asker, number: UUID) -> dict[str, Any]:
        """Take the request back."""
        return team_view(withdraw(context, principal=asker, run=number))

    @api.get(
        "/{number}/package",
        response_class=Response,
        operation_id="get_run_package",
        summary="A decided run as a signed package",
        responses=answers(None, 403, 404, 409, media_type=BYTES),
    )
    def package(asker: Asker, number: UUID) -> Response:
        """The whole story of a decided run as one signed RO-Crate (zip):
        program, inputs, declarations, votes without names, released files, receipt."""
        return as_bytes(package_for_team(context, log, principal=asker, run=number))

    @api.get(
        "/{number}/files",
        operation_id="list_released_files",
        summary="The released files of a run",
        responses=answers(ReleasedFiles, 404),
    )
    def released_files(asker: Asker, number: UUID) -> dict[str, Any]:
        """The released files, with the receipt of their release."""
        with context.database.transaction() as tx:
            run, review = load_own_run(tx, asker, number), own_review(tx, asker, number)[1]
            files = released(tx, run.id)
        index = review.log_index if files and review else None
        return {
            "run": str(run.id),
            "state": run.state.value,
            "files": told_files(files.values()),
            "receipt": log.receipt(index, opening=True) if index is not None else None,
        }

    @api.get(
        "/{number}/files/{path:path}",
        response_class=Response,
        operation_id="get_released_file",
        summary="One released file",
        responses=answers(None, 403, 404, media_type=BYTES),
    )
    def released_file(asker: Asker, number: UUID, path: str) -> Response:
        """One released file."""
        return as_bytes(read_released(context, principal=asker, run=number, path=path))

    return api


def disclosure(context: ReviewContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1/disclosure", tags=["reviews"])

    @api.get(
        "",
        operation_id="get_disclosure_rules",
        summary="Kinds of files, thresholds and reasons",
        responses=answers(DisclosureDocument),
    )
    def rules(asker: Annotated[Principal, Depends(authenticate)]) -> dict[str, Any]:
        """What a file can be declared as (with the analyses that stand for each),
        the thresholds of each grade, and the reasons that reviewers give."""
        taxonomy = context.taxonomy
        return {
            "files": {"most_bytes": taxonomy.most_bytes, "most_rows": taxonomy.most_rows},
            "grades": {grade: asdict(thresholds) for grade, thresholds in taxonomy.grades.items()},
            "statbarns": [
                {
                    "id": barn.id,
                    "name": in_both(barn.name),
                    "analyses": {name: in_both(words) for name, words in barn.analyses.items()},
                }
                for barn in taxonomy.statbarns.values()
            ],
            "reasons": words_of(context),
        }

    return api


def for_kernels(context: ReviewContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """An operation of its own: the one request that may be large."""
    api = APIRouter(tags=["sealed runs"])

    @api.post(
        PATH,
        operation_id="check_trial_files",
        summary="Check the files of a trial as a review would",
        responses=answers(TrialDocument, 403, 404, 409),
    )
    def check_files_of_a_trial(
        asker: Annotated[Principal, Depends(authenticate)], given: TrialFiles
    ) -> dict[str, Any]:
        """What a review's checks would say of such files, but for quotes of raw values.
        Touches no data, keeps nothing."""
        grade, checked = check_trial(
            context,
            principal=asker,
            inputs=given.inputs,
            contents=given.bytes(),
            files=[Declared(**one.model_dump()) for one in given.files],
            recipes=given.recipes,
        )
        return {
            "grade": grade,
            "thresholds": asdict(context.taxonomy.at(grade).thresholds),
            "files": [
                {
                    "path": path,
                    "findings": [asdict(finding) for finding in file.findings],
                    "leaves": _leaving(*file.leaves) if file.leaves else None,
                }
                for path, file in checked.items()
            ],
        }

    return api


def _leaving(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(content).decode()}


def for_officers(context: ReviewContext, log: Log, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1/reviews", tags=["reviews"])
    Officer = Annotated[Principal, Depends(authenticate)]

    def told(officer: Principal, id: UUID) -> dict[str, Any]:
        with context.database.transaction() as tx:
            review = load_review(tx, id)
            return told_to_reviewer(tx, context, review, load_run(tx, review.run), officer)

    @api.get(
        "",
        operation_id="list_reviews",
        summary="The reviews that you may do, or that were decided",
        responses=answers(list[QueueLine]),
    )
    def queue(
        officer: Officer,
        state: Literal["waiting", "decided"] = "waiting",
        offset: Offset = 0,
        limit: Annotated[int, Query(ge=1, le=LISTED)] = LISTED,
    ) -> list[dict[str, Any]]:
        """What waits for reviewers and you may review, the most urgent first;
        or what was decided, newest first. At most `limit`, after the first `offset`."""
        with context.database.transaction() as tx:
            found = list_reviews(
                tx, context.gate, officer, waiting=state == "waiting", offset=offset, limit=limit
            )
            undone = [run for review, run in found if any(file.findings is None for file in review.files)]
            urgent = undone[:MOST_PREPARED]
            versions = [one for run in urgent for one in versions_of(tx, context.repository, run)]
        if state == "waiting" and versions:
            context.raw.prepare(versions)
        return [told_in_queue(review, run, officer) for review, run in found]

    @api.get(
        "/statistics",
        operation_id="get_review_statistics",
        summary="How reviews were decided",
        responses=answers(ReviewStatistics, 403),
    )
    def statistics(officer: Officer) -> dict[str, Any]:
        """How reviews were decided, how fast, and for which reasons."""
        with refusals_logged(context.database):
            context.gate.require(officer, "read_review_statistics", Resource("Reviews", "all"))
        with context.database.transaction() as tx:
            return review_statistics(tx) | {"words": words_of(context)}

    @api.get(
        "/{number}",
        operation_id="get_review",
        summary="One review",
        responses=answers(ReviewDocument, 403, 404, 409),
    )
    def one(officer: Officer, number: UUID) -> dict[str, Any]:
        """One review: the program, its inputs, what the team says of each file and what the checks found."""
        checked_review(context, officer=officer, id=number)
        return told(officer, number)

    @api.get(
        "/{number}/files/{path:path}",
        response_class=Response,
        operation_id="view_quarantined_file",
        summary="A file in quarantine; the view is logged",
        responses=answers(None, 403, 404, 409, media_type=BYTES),
    )
    def view(
        officer: Officer, number: UUID, path: str, *, original: bool = False, as_table: bool = False
    ) -> Response:
        """A file in quarantine, exactly as it would leave; with `original`, as the run left it.
        The log says first that you are about to see it. The header Cihu-Shown says which of the two it is.
        With `as_table`, a Parquet file comes as CSV where it can be decoded: then the header Cihu-Table is
        csv, and Cihu-File-Bytes is the size of the file itself."""
        seen = view_file(context, officer=officer, id=number, path=path, original=original)
        table = as_csv(context, seen) if as_table else None
        told = as_bytes(seen.content if table is None else table)
        told.headers["Cihu-Shown"] = "original" if seen.original else "released"
        told.headers["Cihu-File-Bytes"] = str(len(seen.content))
        if table is not None:
            told.headers["Cihu-Table"] = "csv"
        return told

    @api.get(
        "/{number}/ending",
        operation_id="view_run_ending",
        summary="How the run ended, and what it said; the view is logged",
        responses=answers(RunEndingDocument, 403, 404),
    )
    def ending(officer: Officer, number: UUID) -> dict[str, Any]:
        """The run's exit, its log with what the checks say of it, and what was not collected and why."""
        return told_ending(view_ending(context, officer=officer, id=number))

    @api.get(
        "/{number}/package",
        response_class=Response,
        operation_id="get_review_package",
        summary="The run of a decided review as a signed package",
        responses=answers(None, 403, 404, 409, media_type=BYTES),
    )
    def package(officer: Officer, number: UUID) -> Response:
        """The run of a decided review as one signed RO-Crate (zip), with the reviewers' names;
        for auditors without the files."""
        return as_bytes(package_for_officer(context, log, officer=officer, review=number))

    @api.post(
        "/{number}/seats/give-on",
        operation_id="reassign_reviewers",
        summary="Let others take the seats of overdue reviewers",
        responses=answers(ReviewDocument, 403, 404, 409),
    )
    def give_on(officer: Officer, number: UUID) -> dict[str, Any]:
        """After the due date: let others take the seats of reviewers who do not go on."""
        give_seats_on(context, officer=officer, id=number)
        return told(officer, number)

    @api.post(
        "/{number}/votes",
        operation_id="cast_votes",
        summary="Vote on the files of a review",
        responses=answers(ReviewDocument, 403, 404, 409),
    )
    def cast(officer: Officer, number: UUID, given: Votes) -> dict[str, Any]:
        """Vote on every file: blind to the others; once more, seeing all, if they did not agree."""
        vote(
            context,
            officer=officer,
            id=number,
            revision=given.revision,
            votes=[Vote(each.path, each.vote, each.comment, tuple(each.reasons)) for each in given.votes],
        )
        return told(officer, number)

    return api


def in_both(words: tuple[str, str]) -> dict[str, str]:
    return dict(zip(("en", "zh"), words, strict=True))


def as_bytes(content: bytes) -> Response:
    return Response(content, media_type=BYTES, headers=AS_BYTES)
