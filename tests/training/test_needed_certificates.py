"""A dataset that asks for the course's certificate: who lacks it neither gets a grant nor uses one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox.catalog.opening_reasons import opening_reasons
from sandbox.catalog.policy_file import read_policy
from sandbox.errors import CihuError, InvalidInput
from sandbox.grants import Grant, approve, request_access
from sandbox.grants.endpoints import shown
from sandbox.identity import join_team
from sandbox.jobs.model import Input
from sandbox.jobs.permit import require_leave
from sandbox.oversight.decisions import what_if
from sandbox.oversight.request_facts import OversightContext, request_facts
from sandbox.policy import PolicyFaults
from sandbox.releases import explain
from sandbox.training.certificates import write
from story import DATASET, POLICIES, POLICY, Story, city_gate
from training_story import COURSE

NEEDS = POLICY + f"certificate: {COURSE.id}\n"
SQL = "SELECT COUNT(*) FROM clinic.visits"


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(CihuError) as told:
        yield
    assert told.value.code == code
    assert told.value.zh and told.value.remedy and told.value.remedy_zh


def certify(story: Story, person: str, *, days: float) -> None:
    now = datetime.now(UTC)
    with story.database.transaction() as tx:
        write(
            tx,
            person=person,
            course=COURSE.id,
            by="vault",
            now=now,
            expires_at=now + timedelta(days=days),
            index=0,
        )


def use(story: Story, person: str, grant: Grant) -> None:
    """Ask for a price, and for leave to run."""
    principal, version = story.principal(person), story.repository.current("clinic.visits")
    explain(story.context, principal=principal, sql=SQL)
    read = Input(version.dataset, version.number, version.sha256, grant.id)
    with story.database.transaction() as tx:
        require_leave(tx, story.gate, principal, [read], [version])


def test_a_grant_needs_its_asker_certified_and_each_member_who_uses_it(story: Story) -> None:
    story.publish(policy=NEEDS)
    oversight = OversightContext(story.database, story.repository, story.gate)
    with refused("request_without_certificate"):
        story.grant()
    certify(story, "wang", days=-1)
    with refused("request_without_certificate"):
        story.grant()
    certify(story, "wang", days=1)
    version = story.repository.current("clinic.visits")
    request = request_access(
        story.database,
        gate=story.gate,
        principal=story.principal("wang"),
        version=version,
        team="lake",
        purpose="to see who needs a certificate",
        epsilon=Decimal(1),
        until=datetime.now(UTC) + timedelta(days=30),
    )
    facts = request_facts(oversight, story.principal("lin"), request.id)
    assert facts["certificate"]["course"] == COURSE.id and facts["certificate"]["expires_at"]

    def decide() -> Grant:
        return approve(
            story.database,
            gate=story.gate,
            officer=story.principal("lin"),
            request_id=request.id,
            version=version,
        )

    certify(story, "wang", days=-1)
    assert request_facts(oversight, story.principal("lin"), request.id)["certificate"]["expires_at"] is None
    with refused("requester_not_trained"):
        decide()
    certify(story, "wang", days=1)
    grant = decide()
    assert shown(grant)["certificate"] == COURSE.id
    use(story, "wang", grant)

    with story.database.transaction() as tx:
        join_team(tx, team_id="lake", account_id="li", by="system")
    certify(story, "li", days=-1)
    with refused("use_without_certificate"):
        explain(story.context, principal=story.principal("li"), sql=SQL)
    read = Input(version.dataset, version.number, version.sha256, grant.id)
    with refused("use_without_certificate"), story.database.transaction() as tx:
        require_leave(tx, story.gate, story.principal("li"), [read], [version])
        assert not what_if(
            oversight, story.principal("lin"), person="li", action="ask", kind="Grant", id=str(grant.id)
        )["decision"]["allowed"]
    certify(story, "li", days=1)
    use(story, "li", grant)
    assert what_if(
        oversight, story.principal("lin"), person="li", action="ask", kind="Grant", id=str(grant.id)
    )["decision"]["allowed"]


def test_one_that_ran_out_stops_no_grant_that_runs_but_the_next_request(story: Story) -> None:
    story.publish(policy=NEEDS)
    certify(story, "wang", days=1)
    grant = story.grant(epsilon="1")
    with story.database.transaction() as tx:  # it ran out a moment after the approval
        write(
            tx,
            person="wang",
            course=COURSE.id,
            by="vault",
            now=grant.approved_at,
            expires_at=grant.approved_at + timedelta(microseconds=1),
            index=0,
        )
    use(story, "wang", grant)
    with refused("request_without_certificate"):
        story.grant(epsilon="1")


def test_a_grant_keeps_what_it_was_approved_with(story: Story) -> None:
    """A later version of the policy stops no grant that runs."""
    story.publish()
    free = story.grant(epsilon="1")
    story.publish(policy=NEEDS)
    use(story, "wang", free)
    with refused("request_without_certificate"):
        story.grant(epsilon="1")


def test_a_policy_names_the_course_and_open_data_none() -> None:
    schema = POLICIES / "dataset.schema.json"
    needs = read_policy(NEEDS, schema=schema)
    assert (DATASET.certificate, needs.certificate) == ("", COURSE.id)
    for text in (
        NEEDS.replace(COURSE.id, "safe-reseacher"),
        (POLICIES / "datasets" / "market.inspections.yaml").read_text("utf-8")
        + f"certificate: {COURSE.id}\n",
    ):
        with pytest.raises((PolicyFaults, InvalidInput)) as told:
            read_policy(text, schema=schema)
        assert "certificate" in told.value.message
    grades = city_gate().grades
    assert "protection_lowered" in opening_reasons(needs, DATASET, grades)
    assert "protection_lowered" not in opening_reasons(DATASET, needs, grades)
