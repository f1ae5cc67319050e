"""Puts together what an officer needs to decide on an access request: who asks, what they hold, and what the
decision would promise at each level.

Everything comes from what people did: requests, grants, numbers of questions and the ledger. No row is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import any_, func, select

from sandbox.budgets import Account, Level, ShareIncrease, share_increase
from sandbox.catalog import Version
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetBudget
from sandbox.database import Database, Transaction, array_of
from sandbox.grants import Grant, Request, RequestStatus, load_request
from sandbox.grants.endpoints import shown
from sandbox.grants.model import MARKETPLACE
from sandbox.grants.read import as_grant, as_request, may_know, no_request
from sandbox.grants.request_access import certificate_of
from sandbox.grants.tables import grants, requests
from sandbox.identity import Principal
from sandbox.identity.tables import accounts, organisations, team_members, teams
from sandbox.jobs.tables import runs
from sandbox.oversight.schemas import (
    AskingPerson,
    AskingTeam,
    EarlierWork,
    GradeWay,
    HeldGrant,
    LevelFacts,
    RefusedRequest,
    RequestFactsDocument,
)
from sandbox.policy import Gate, Grades, Resource, hidden_from_strangers
from sandbox.privacy import PrivacyLoss, epsilon_told, epsilon_within, percent_told
from sandbox.releases.tables import questions
from sandbox.training.certificates import find_valid

MOST_REFUSED = 20
"""So many refused requests are listed; more are counted."""


@dataclass(frozen=True)
class OversightContext:
    """What the operations of this package work with."""

    database: Database
    repository: DatasetRepository
    gate: Gate


def request_facts(context: OversightContext, asker: Principal, number: int) -> RequestFactsDocument:
    """The facts of a request. Raises `NotFound`, and `Forbidden` for officers of other departments."""
    with context.database.transaction() as tx:
        request = load_request(tx, number)
        about = Resource("Request", str(number), {"department": request.department, "team": request.team})
        with hidden_from_strangers(no_request(number), seen=may_know(asker, request)):
            context.gate.require(asker, "read_request_facts", about)
        version = context.repository.last(tx, request.dataset)
        held = _live(tx, request.team)
        policies = context.repository.lasts(tx, {each.dataset for each in held})
        grade = version.policy.grade
        increases = _increases(tx, request, version)
        decision = context.gate.decide(asker, "decide_request", about)
        found = RequestFactsDocument(
            request=shown(request),  # type: ignore[typeddict-item]  # as the other operations answer
            title={"en": version.policy.title.en, "zh": version.policy.title.zh},
            asked_by=_person(tx, request.asked_by),
            team=_team(tx, request.team),
            holds=[_held(each, policies[each.dataset]) for each in held],
            earlier=_earlier(tx, request),
            grade=grade,
            ways=_ways(context.gate.grades, grade),
            combined_grade=context.gate.grades.combine(
                [grade, *(each.policy.grade for each in policies.values())]
            ),
            levels=[_level(each, version.policy.budget) for each in increases],
            grant_epsilon=_plain(version.policy.budget.grant_epsilon) if version.policy.budget else "0",
            most_epsilon=_most(request, version, increases),
            may_decide=decision.allowed and request.status is RequestStatus.ASKED,
        )
        if course := certificate_of(version, request.team):
            valid = find_valid(tx, request.asked_by, course, datetime.now(UTC))
            found["certificate"] = {"course": course, "expires_at": valid.expires_at if valid else None}
    return found


def _ways(grades: Grades, grade: str) -> list[GradeWay]:
    return [
        GradeWay(way=way, possible=grades.allows(grade, way), text={"en": en, "zh": zh})
        for way, (en, zh) in grades.ways.items()
    ]


def _live(tx: Transaction, team: str) -> list[Grant]:
    """What the team holds now. The marketplace's grants are of products, each with its own budget."""
    if team == MARKETPLACE:
        return []
    rows = tx.execute(select(grants).where(grants.c.team == team).order_by(grants.c.id))
    return [grant for grant in map(as_grant, rows) if grant.live]


def _increases(tx: Transaction, request: Request, version: Version) -> list[ShareIncrease]:
    """What approving as asked would promise more, of the dataset and of the population."""
    policy, budget = version.policy, version.policy.budget
    if budget is None:
        return []
    own = None
    if request.team != MARKETPLACE:
        own = Account(Level.GRANT, f"{request.team}/{request.dataset}")
    return share_increase(
        tx,
        own,
        dataset=policy.dataset,
        population=policy.population,
        picorho=budget.limit(Fraction(request.epsilon)).picorho,
    )


def _level(increase: ShareIncrease, budget: DatasetBudget | None) -> LevelFacts:
    assert budget is not None, "without one there is no level"
    standing, limit = increase.level, max(1, increase.level.limit.picorho)
    return LevelFacts(
        level=standing.account.level.value,  # type: ignore[typeddict-item]
        key=standing.account.key,
        epsilon_limit=_plain(epsilon_within(standing.limit, budget.delta)),
        epsilon_left=_plain(epsilon_within(standing.left, budget.delta)),
        epsilon_added=epsilon_told(PrivacyLoss(increase.picorho), budget.delta, 4),
        percent_spent=percent_told(standing.spent.picorho, limit, 2),
        percent_promised=percent_told(standing.held.picorho, limit, 2),
        percent_added=percent_told(increase.picorho, limit, 2),
        fits=increase.picorho <= standing.left.picorho,
    )


def _most(request: Request, version: Version, increases: list[ShareIncrease]) -> str:
    """The largest epsilon that can be approved: asked, allowed to one grant, and not promised yet."""
    budget = version.policy.budget
    if budget is None:
        return "0"
    free = [epsilon_within(PrivacyLoss(max(0, each.most)), budget.delta) for each in increases]
    grant = Decimal(budget.grant_epsilon.numerator) / Decimal(budget.grant_epsilon.denominator)
    if all(each.picorho <= each.level.left.picorho for each in increases):
        free = []
    return _plain(min(request.epsilon, grant, *free))


def _person(tx: Transaction, account: str) -> AskingPerson:
    return _people(tx, [account])[0]


def _people(tx: Transaction, named: Sequence[str]) -> list[AskingPerson]:
    """Of these accounts, by account."""
    rows = tx.execute(
        select(accounts.c.id, accounts.c.display_name, accounts.c.disabled_at)
        .add_columns(
            organisations.c.id.label("organisation"),
            organisations.c.display_name.label("organisation_name"),
            organisations.c.unverified,
        )
        .join(organisations, organisations.c.id == accounts.c.organisation)
        .where(accounts.c.id == any_(array_of(named)))
        .order_by(accounts.c.id)
    )
    return [
        AskingPerson(
            account=row.id,
            name=row.display_name,
            organisation=row.organisation,
            organisation_name=row.organisation_name,
            verified=not row.unverified,
            disabled=row.disabled_at is not None,
        )
        for row in rows
    ]


def _team(tx: Transaction, team: str) -> AskingTeam:
    name = tx.execute(select(teams.c.display_name).where(teams.c.id == team)).scalar_one_or_none()
    members = tx.scalars(select(team_members.c.account).where(team_members.c.team == team)).all()
    return AskingTeam(id=team, name=name or team, members=_people(tx, members))


def _held(grant: Grant, version: Version) -> HeldGrant:
    return HeldGrant(
        grant=grant.id,
        dataset=grant.dataset,
        department=grant.department,
        grade=version.policy.grade,
        epsilon=_plain(grant.epsilon),
        until=grant.until,
    )


def _earlier(tx: Transaction, request: Request) -> EarlierWork:
    """What the team did before, in numbers; of refused requests the newest."""
    team = request.team
    asked = list(
        map(
            as_request,
            tx.execute(
                select(requests)
                .where(requests.c.team == team, requests.c.id != request.id)
                .order_by(requests.c.id.desc())
            ),
        )
    )
    refused = [each for each in asked if each.status is RequestStatus.REFUSED]
    own = select(grants.c.id).where(grants.c.team == team)
    ended = tx.execute(
        select(func.count()).select_from(grants).where(grants.c.team == team, grants.c.status != "live")
    ).scalar_one()
    put = tx.execute(
        select(func.count()).select_from(questions).where(questions.c.grant.in_(own))
    ).scalar_one()
    of_dataset = own.where(grants.c.dataset == request.dataset)
    here = tx.execute(
        select(func.count()).select_from(questions).where(questions.c.grant.in_(of_dataset))
    ).scalar_one()
    run = tx.execute(select(func.count()).select_from(runs).where(runs.c.team == team)).scalar_one()
    return EarlierWork(
        requests=len(asked),
        waiting=sum(each.status is RequestStatus.ASKED for each in asked),
        ended_grants=ended,
        questions=put,
        questions_on_dataset=here,
        runs=run,
        refused=len(refused),
        refused_requests=[_refused(each, request.department) for each in refused[:MOST_REFUSED]],
    )


def _refused(earlier: Request, department: str) -> RefusedRequest:
    """The words of another department's refusal are that department's."""
    return RefusedRequest(
        request=earlier.id,
        dataset=earlier.dataset,
        department=earlier.department,
        decided_at=earlier.decided_at or earlier.asked_at,
        reason=earlier.note if earlier.department == department else "",
    )


def _plain(value: Decimal | Fraction) -> str:
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{value.normalize():f}"


__all__ = ["OversightContext", "request_facts"]
