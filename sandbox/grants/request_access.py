"""Requests a team's access to a dataset, with a purpose, a budget and an end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import insert

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog import Version
from sandbox.database import Database
from sandbox.errors import InvalidInput
from sandbox.grants.model import MARKETPLACE, Request
from sandbox.grants.read import as_request
from sandbox.grants.tables import requests
from sandbox.identity import Principal
from sandbox.identity.teams import require_not_merged
from sandbox.policy import Gate, Resource
from sandbox.training.certificates import is_trained

LONGEST_PURPOSE = 2000
SHORTEST_PURPOSE = 10
LONGEST = timedelta(days=366)


def request_access(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    version: Version,
    team: str,
    purpose: str,
    epsilon: Decimal,
    until: datetime,
) -> Request:
    """Ask for a grant. Raises `Forbidden`, or `InvalidInput` for a purpose, budget,
    team or date that cannot be."""
    policy = version.policy
    with database.transaction() as tx:
        trained = is_trained(tx, principal, certificate_of(version, team), datetime.now(UTC))
    gate.require(
        principal,
        "request_access",
        Resource("Dataset", version.dataset, {"department": policy.department, "grade": policy.grade}),
        {"team": team, "trained": trained},
    )
    if team not in principal.teams:
        raise InvalidInput(
            f"You are not in the team {team}.",
            remedy=f"Your teams: {', '.join(sorted(principal.teams)) or 'none'}.",
            zh=f"你不在团队 {team} 中。",
            remedy_zh=f"你的团队：{', '.join(sorted(principal.teams)) or '无'}。",
        )
    if policy.budget is None:
        raise InvalidInput(
            f"{version.dataset} is open data: it needs no grant.",
            remedy="Get it from the marketplace.",
            zh=f"{version.dataset} 是开放数据，无需授权。",
            remedy_zh="请在市场取得。",
        )
    if not SHORTEST_PURPOSE <= len(purpose.strip()) <= LONGEST_PURPOSE:
        raise InvalidInput(
            f"The purpose must have {SHORTEST_PURPOSE} to {LONGEST_PURPOSE} characters.",
            remedy="Say what you want to find out, and what it is for.",
            zh=f"用途说明应有 {SHORTEST_PURPOSE} 至 {LONGEST_PURPOSE} 个字符。",
            remedy_zh="请说明想知道什么，作何用途。",
        )
    check_terms(version, epsilon, until)
    with database.transaction() as tx:
        # its people are in another team, with an account of its own
        require_not_merged(tx, team)
        row = tx.execute(
            insert(requests)
            .values(
                dataset=version.dataset,
                department=policy.department,
                team=team,
                purpose=purpose.strip(),
                epsilon=epsilon,
                until=until,
                status="asked",
                asked_by=principal.id,
            )
            .returning(requests)
        ).one()
        append(
            tx,
            Event(
                "request.made",
                principal.id,
                f"request:{row.id}",
                {
                    "dataset": version.dataset,
                    "team": team,
                    "purpose": purpose.strip(),
                    "epsilon": str(epsilon),
                    "until": until.isoformat(),
                },
            ),
            to=[notices.officers(policy.department)],
        )
    return as_request(row)


def certificate_of(version: Version, team: str) -> str:
    """The course whose training certificate a team's people need. The marketplace has none: it asks what was
    offered, for others."""
    return "" if team == MARKETPLACE else version.policy.certificate


def check_terms(version: Version, epsilon: Decimal, until: datetime) -> None:
    """Raise `InvalidInput` unless budget and end are within what the dataset's policy allows."""
    budget = version.policy.budget
    assert budget is not None
    if not epsilon.is_finite() or not 0 < epsilon <= budget.grant_epsilon:
        raise InvalidInput(
            f"The budget must be an epsilon above 0 and at most {float(budget.grant_epsilon):g}.",
            remedy="That is the most that one grant on this dataset may have.",
            zh=f"预算的 epsilon 应大于 0，至多 {float(budget.grant_epsilon):g}。",
            remedy_zh="这是此数据集一项授权的上限。",
        )
    now = datetime.now(UTC)
    if not now < until <= now + LONGEST:
        raise InvalidInput(
            "The end must lie in the future, and within 366 days.",
            remedy="Choose another date.",
            zh="截止日期应在将来，且在 366 天以内。",
            remedy_zh="请另选日期。",
        )
