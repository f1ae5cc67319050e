"""Declared queries as teams submit them, computed by the jobs' own operations without waiting for their
moment, and reviewed."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from reviewed_runs import Reviewing, approval, declared, reviewing
from sandbox.declared import DeclaredContext, UnitDigests
from sandbox.declared.tables import declared_tables
from sandbox.disclosure.finding import Finding
from sandbox.grants import approve, request_access
from sandbox.identity import create_account, create_team, join_team
from sandbox.jobs import Run
from sandbox.jobs.claim import claim
from sandbox.jobs.count import count
from sandbox.jobs.declare import declare
from sandbox.jobs.finish import finish
from sandbox.jobs.quarantine import files_of, put_files
from sandbox.reviews import Outcome, Review
from sandbox.reviews.checks import checked_review, fetched
from sandbox.reviews.declared_tables import cell_rules
from sandbox.reviews.read import output_files
from sandbox.reviews.request_release import request_release
from sandbox.reviews.views import told_to_reviewer
from sandbox.standalone.s3 import S3Server
from story import POLICY, Story

# everything at grade 2: at least 5 units behind a number, no rounding, zeros are shown
GRADE_2 = POLICY.replace('grade: "3"', 'grade: "2"').replace(', grade: "4"}', "}")

HEADS = "person,district,year,cost,visits,note,day,smoker,secret"


def person(
    name: str, district: str = "north", year: int = 1, visits: int = 1, smoker: str = "true", note: str = "a"
) -> str:
    return f"{name},{district},{year},10,{visits},{note},2026-01-01,{smoker},s"


def rows(lines: list[str]) -> bytes:
    return "\n".join([HEADS, *lines, ""]).encode()


def people(number: int = 240) -> list[str]:
    """One row each: 80 a district, 40 of them in each of two years, of whom every other smokes."""
    return [
        person(
            f"p{one}",
            ("north", "south", "east")[one % 3],
            1 + one // 3 % 2,
            one % 10,
            "true" if one // 6 % 2 else "false",
            f"n{one % 4}",
        )
        for one in range(number)
    ]


@pytest.fixture
def declaring(story: Story, s3: S3Server, tmp_path: Path) -> "Declaring":
    return Declaring(story, s3, tmp_path, people())


class Declaring:
    """A small city in which two teams declare queries about the same people:
    wang's (lake) and qin's (river)."""

    def __init__(self, story: Story, s3: S3Server, folder: Path, lines: list[str]) -> None:
        self.city: Reviewing = reviewing(story, s3, folder, policy=GRADE_2, body=rows(lines))
        with story.database.transaction() as tx:
            create_team(tx, team_id="river", display_name="river", by="system")
            create_account(
                tx, account_id="qin", display_name="qin", organisation="hbpu", roles=["analyst"], by="system"
            )
            join_team(tx, team_id="river", account_id="qin", by="system")
        self.grant("clinic.visits", "qin", "river")
        context = DeclaredContext(
            story.context.engine,
            UnitDigests(folder / "units"),
            lambda grade: cell_rules(self.city.context.taxonomy.at(grade).thresholds),
        )
        self.runs = replace(self.city.runs, declared=context)

    def grant(self, dataset: str, who: str, team: str) -> None:
        story = self.city.story
        version = story.repository.current(dataset)
        asked = request_access(
            story.database,
            gate=story.gate,
            principal=story.principal(who),
            version=version,
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
            version=version,
        )

    def publish(self, lines: list[str], policy: str = GRADE_2) -> None:
        self.city.story.publish(rows(lines), policy)

    def declare(self, sql: str, who: str = "wang") -> Run:
        return declare(
            self.runs, principal=self.city.principal(who), name="a table", sql=sql, limit_seconds=10
        )

    def counted(self, sql: str, who: str = "wang") -> Run:
        """Handed in and computed."""
        run = self.declare(sql, who)
        found = claim(self.runs)
        assert found and found.run.id == run.id
        ending, keep = count(self.runs, found, 60)
        stored = put_files(self.runs.quarantine, run.id, files_of(ending))
        assert finish(self.runs.database, run.id, stored, keep)
        return self.city.run(run.id)

    def asked(self, sql: str, who: str = "wang", path: str = "table.csv") -> Review:
        run = self.counted(sql, who)
        return request_release(
            self.city.context,
            principal=self.city.principal(who),
            run=run.id,
            files=(declared(path, counts="counts.csv" if path != "counts.csv" else None),),
        )

    def findings(self, review: Review, officer: str = "lin") -> tuple[Finding, ...]:
        found = (
            checked_review(self.city.context, officer=self.city.principal(officer), id=review.id)
            .files[0]
            .findings
        )
        assert found is not None
        return found

    def blocks(self, review: Review) -> set[str]:
        """The codes of what blocks it."""
        return {finding.code for finding in self.findings(review) if finding.severity.value == "blocks"}

    def released(self, sql: str, who: str = "wang") -> Review:
        """A table that passes, and has left."""
        review = self.asked(sql, who)
        assert not self.blocks(review), self.findings(review)
        for officer in ("lin", "zhou"):
            review = self.city.votes(review, officer, approval(comment="compared with all that left"))
        assert review.outcome is Outcome.RELEASED
        return review

    def table(self, run: Run, name: str = "table.csv") -> list[dict[str, str]]:
        with self.runs.database.transaction() as tx:
            left = output_files(tx, run.id)
        return list(csv.DictReader(io.StringIO(fetched(self.city.context, left[name]).decode())))

    def kept(self) -> set[UUID]:
        """The runs whose numbers have known units behind them."""
        with self.runs.database.transaction() as tx:
            return set(tx.scalars(select(declared_tables.c.run)))

    def told(self, review: Review, officer: str = "lin") -> dict[str, Any]:
        with self.runs.database.transaction() as tx:
            return told_to_reviewer(
                tx,
                self.city.context,
                self.city.review(review.id),
                self.city.run(review.run),
                self.city.principal(officer),
            )
