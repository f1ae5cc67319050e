"""Finished runs without a seal to wait for: submitted, claimed and finished by the jobs' own operations,
their files in quarantine."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from sandbox.audit.tables import entries, openings
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.decode import decode_here
from sandbox.disclosure.taxonomy import Taxonomy, load_disclosure
from sandbox.grants import approve, request_access
from sandbox.identity import create_account, create_organisation, create_team, join_team
from sandbox.jobs import Run, RunContext, load_run
from sandbox.jobs.claim import claim
from sandbox.jobs.finish import finish
from sandbox.jobs.quarantine import put_files
from sandbox.jobs.submit import submit
from sandbox.models.sealed_use import SealedLibrary
from sandbox.reviews import Choice, Review, ReviewContext, read_review_policy
from sandbox.reviews.checks import checked_review
from sandbox.reviews.model import Declared, Finding, Vote
from sandbox.reviews.raw_inputs import RawInputs
from sandbox.reviews.read import load_review
from sandbox.reviews.request_release import request_release
from sandbox.reviews.review_policy import GradeRule
from sandbox.reviews.tables import review_files
from sandbox.reviews.vote import vote
from sandbox.standalone.s3 import S3Server
from story import POLICIES, POLICY, Story
from workspace import CHECKOUT, KERNEL_PYTHON

TABLE = b"district,n\nnorth,120\nsouth,90\n"
FILES = {
    "table.csv": TABLE,
    "counts.csv": b"district,n\nnorth,40\n",
    "note.txt": b"two districts",
    "log.txt": b"",
    "exit.json": b"{}",
}
OFFICERS = (("hu", "health"), ("gu", "market"), ("tan", "transport"))
NO = "it shows values of single persons"


@cache
def taxonomy() -> Taxonomy:
    """The city's, read once."""
    return load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)


def declared(path: str = "table.csv", **changed: Any) -> Declared:
    return replace(
        Declared(
            path, "frequencies", "visits by district, all of the population", "counts below 10 are left out"
        ),
        **changed,
    )


def approval(path: str = "table.csv", comment: str | None = None) -> Vote:
    """Of a text a check asks something, which the approval answers."""
    said = comment if comment is not None else "read" if path.endswith(".txt") else ""
    return Vote(path, Choice.APPROVE, said)


def refusal(path: str = "table.csv", choice: Choice = Choice.REFUSE) -> Vote:
    return Vote(path, choice, NO, ("small_counts",))


@dataclass
class Reviewing:
    """A small city with officers of three departments, two of them of two each."""

    story: Story
    context: ReviewContext
    runs: RunContext

    def principal(self, id: str) -> Any:
        return self.story.principal(id)

    def finished(
        self,
        files: dict[str, bytes] | None = None,
        *,
        person: str = "wang",
        recipes: str = "",
        team: str | None = None,
    ) -> Run:
        run = submit(
            self.runs,
            principal=self.principal(person),
            name="visits",
            entry="main.py",
            files={"main.py": "pass"} | ({"recipes.json": recipes} if recipes else {}),
            inputs=["clinic.visits"],
            limit_seconds=10,
            team=team,
        )
        found = claim(self.runs)
        assert found and found.run.id == run.id
        assert finish(
            self.context.database,
            run.id,
            put_files(self.context.quarantine, run.id, FILES if files is None else files),
        )
        return self.run(run.id)

    def run(self, id: UUID) -> Run:
        with self.context.database.transaction() as tx:
            return load_run(tx, id)

    def review(self, id: UUID) -> Review:
        with self.context.database.transaction() as tx:
            return load_review(tx, id)

    def team(self, team: str, person: str, organisation: str) -> None:
        """One more team of one new person, with a grant."""
        with self.context.database.transaction() as tx:
            create_account(
                tx,
                account_id=person,
                display_name=person,
                organisation=organisation,
                roles=["analyst"],
                by="system",
            )
            create_team(tx, team_id=team, display_name=team, by="system")
            join_team(tx, team_id=team, account_id=person, by="system")
        grant(self.story, team, person)

    def asked(self, *files: Declared, run: Run | None = None, person: str = "wang") -> Review:
        return request_release(
            self.context,
            principal=self.principal(person),
            run=(run or self.finished(person=person)).id,
            files=files or (declared(),),
        )

    def votes(self, review: Review, officer: str, *votes: Vote, revision: int | None = None) -> Review:
        return vote(
            self.context,
            officer=self.principal(officer),
            id=review.id,
            votes=votes or (approval(),),
            revision=self.review(review.id).revision if revision is None else revision,
        )

    def finds(self, review: Review, path: str, *findings: Finding) -> None:
        """As the checks would have stored it."""
        checked_review(self.context, officer=self.principal("lin"), id=review.id)
        with self.context.database.transaction() as tx:
            tx.execute(
                update(review_files)
                .where(review_files.c.review == review.id, review_files.c.path == path)
                .values(findings=[asdict(finding) for finding in findings])
            )

    def rule(self, **changed: Any) -> "Reviewing":
        """The same city under another rule for the grade of its inputs."""
        grades = {grade: replace(rule, **changed) for grade, rule in self.context.policy.grades.items()}
        return replace(
            self, context=replace(self.context, policy=replace(self.context.policy, grades=grades))
        )

    def kinds(self) -> list[str]:
        with self.context.database.transaction() as tx:
            return list(
                tx.scalars(
                    select(text("(entry::jsonb)->>'kind'")).select_from(entries).order_by(entries.c.index)
                )
            )

    def opened(self) -> str:
        """Everything that the log's openings say."""
        with self.context.database.transaction() as tx:
            return "\n".join(tx.scalars(select(openings.c.content)))


def reviewing(
    story: Story, s3: S3Server, folder: Path, *, policy: str | None = None, body: bytes | None = None
) -> Reviewing:
    story.publish(
        body,
        policy
        or POLICY.replace(
            'secret: {role: hidden, type: text, grade: "4"}', "secret: {role: hidden, type: text}"
        ),
    )
    with story.database.transaction() as tx:
        for officer, organisation in OFFICERS:
            if organisation == "transport":
                create_organisation(tx, organisation_id=organisation, display_name=organisation, by="system")
            create_account(
                tx,
                account_id=officer,
                display_name=officer,
                organisation=organisation,
                roles=["officer"],
                by="system",
            )
        create_account(
            tx, account_id="song", display_name="song", organisation="hbpu", roles=["analyst"], by="system"
        )
        join_team(tx, team_id="lake", account_id="song", by="system")
    grant(story, "lake", "wang")
    return review_services(story, s3, folder)


def grant(story: Story, team: str, person: str) -> None:
    asked = request_access(
        story.database,
        gate=story.gate,
        principal=story.principal(person),
        version=story.repository.current("clinic.visits"),
        team=team,
        purpose="to see who is served where",
        epsilon=Decimal(1),
        until=datetime.now(UTC) + timedelta(days=3),
    )
    approve(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=asked.id,
        version=story.repository.current("clinic.visits"),
    )


def review_services(story: Story, s3: S3Server, folder: Path) -> Reviewing:
    """The same with whoever is there already."""
    context = ReviewContext(
        story.database,
        story.repository,
        story.gate,
        read_review_policy(POLICIES, story.gate.grades),
        s3.quarantine_store(),
        s3.released_store(),
        taxonomy(),
        RawInputs(story.store),
        decode_here,
    )
    runs = RunContext(
        story.database,
        story.repository,
        story.gate,
        story.store,
        context.quarantine,
        folder=folder,
        python=KERNEL_PYTHON,
        lock=CHECKOUT / "kernels" / "requirements.lock",
        taxonomy=context.taxonomy,
        library=SealedLibrary(story.database, story.repository, story.gate, context.released),
    )
    return Reviewing(story, context, runs)


__all__ = ["GradeRule", "Reviewing", "approval", "declared", "refusal", "reviewing"]
