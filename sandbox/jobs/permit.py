"""Decides whether a run may read its datasets: each under a live grant of the one team that it is for, at the
grade of all together."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sandbox.catalog import Version
from sandbox.catalog.grade import grade_of
from sandbox.catalog.resource import require_seen
from sandbox.database import Transaction
from sandbox.errors import Forbidden, InvalidInput
from sandbox.grants import Grant, GrantStatus, list_grants, load_grant, newest
from sandbox.identity import Principal
from sandbox.jobs.model import Input
from sandbox.policy import Gate, Resource
from sandbox.training.certificates import is_trained


def inputs_of(
    tx: Transaction, principal: Principal, versions: Sequence[Version], team: str | None
) -> tuple[str, tuple[Input, ...]]:
    """The team, and each version with the grant it is read under: the newest live one.

    Raises `Forbidden` when no team of the principal's has a grant on each, `InvalidInput` when several
    have and none is named.
    """
    grants = list_grants(tx, principal)
    private = [version for version in versions if version.policy.unit]
    able = [
        one for one in sorted(principal.teams) if all(_grant(grants, one, version) for version in private)
    ]
    if team is not None and team not in principal.teams:
        raise Forbidden(
            f"You are not in the team {team}.",
            code="not_your_team",
            remedy="Submit for a team of your own.",
            zh=f"你不在团队 {team} 中。",
            remedy_zh="请为自己所在的团队提交。",
        )
    fitting = [one for one in able if team in (None, one)]
    if not fitting:
        names = ", ".join(version.dataset for version in private)
        raise Forbidden(
            f"None of your teams has a live grant on each of: {names or 'no private dataset'}.",
            code="no_grant",
            remedy="Request access: cihu request, or the dataset's page in the portal.",
            zh=f"你所在的团队没有这些数据集的全部有效授权：{names}。",
            remedy_zh="请申报：cihu request，或门户的数据集页面。",
        )
    if len(fitting) > 1:
        raise InvalidInput(
            f"Several of your teams could run this: {', '.join(fitting)}.",
            code="several_teams",
            remedy="Say for which: team=...",
            zh=f"你有多个团队可以运行：{'、'.join(fitting)}。",
            remedy_zh="请用 team= 指明其一。",
        )
    chosen = fitting[0]
    return chosen, tuple(
        Input(version.dataset, version.number, version.sha256, grant.id if grant else None)
        for version in versions
        for grant in [_grant(grants, chosen, version)]
    )


def _grant(grants: Sequence[Grant], team: str, version: Version) -> Grant | None:
    """Open data needs none."""
    return newest(grants, team=team, dataset=version.dataset) if version.policy.unit else None


def require_leave(
    tx: Transaction,
    gate: Gate,
    principal: Principal,
    inputs: Sequence[Input],
    versions: Sequence[Version],
    *,
    way: str = "reviewed",
) -> None:
    """Decide on each input, with its grant as it is now and held so until the transaction ends.
    Raises `Refused`.

    `way` is one of policies/grades.yaml: how something leaves."""
    grade = grade_of(gate, versions)
    now = int(datetime.now(UTC).timestamp())
    for one, version in zip(inputs, versions, strict=True):
        if one.grant is None:
            require_seen(gate, principal, version)
            continue
        grant = load_grant(tx, one.grant, share=True)
        gate.require(
            principal,
            "run",
            Resource(
                "Grant",
                str(grant.id),
                {
                    "team": grant.team,
                    "status": grant.status.value,
                    "department": grant.department,
                    "dataset": grant.dataset,
                    "expires_at": int(grant.until.timestamp()),
                    "purpose": grant.purpose,
                    "grade": grade,
                },
            ),
            {
                "now": now,
                "way": way,
                "trained": is_trained(tx, principal, grant.certificate, grant.approved_at),
            },
        )


def revoked_grant(tx: Transaction, inputs: Sequence[Input]) -> int | None:
    """A grant of these inputs that was revoked, or None.
    All are held as they are until the transaction ends."""
    held = [
        load_grant(tx, id, share=True)
        for id in sorted({one.grant for one in inputs if one.grant is not None})
    ]
    return next((grant.id for grant in held if grant.status is GrantStatus.REVOKED), None)
