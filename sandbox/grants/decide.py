"""Decides a request and ends a grant, for an officer: each with its reason, its budget and its log entry at
once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.budgets import Level, ShareTooLarge, give_share, let_go, lock, lower_share
from sandbox.catalog import Version
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.grants.model import Grant, GrantStatus, Request, RequestStatus
from sandbox.grants.read import as_grant, as_request, load_grant, load_request, may_know, no_grant, no_request
from sandbox.grants.request_access import certificate_of, check_terms
from sandbox.grants.tables import grants, requests
from sandbox.identity import Principal
from sandbox.identity.teams import require_not_merged
from sandbox.policy import Gate, Resource, hidden_from_strangers
from sandbox.privacy import PrivacyLoss, epsilon_within
from sandbox.training.certificates import find_valid

WARNED_BEFORE = timedelta(days=14)


def approve(
    database: Database,
    *,
    gate: Gate,
    officer: Principal,
    request_id: int,
    version: Version,
    epsilon: Decimal | None = None,
    until: datetime | None = None,
    note: str = "",
) -> Grant:
    """Approve a request, as asked or with a smaller budget or another end;
    the grant's budget opens with it."""
    with database.transaction() as tx:
        request = _undecided(tx, gate, officer, request_id)
        require_not_merged(tx, request.team)
        # an epsilon of 0 is one that was given, and is refused
        terms_epsilon = request.epsilon if epsilon is None else epsilon
        terms_until = until or request.until
        check_terms(version, terms_epsilon, terms_until)
        certificate = certificate_of(version, request.team)
        if certificate and find_valid(tx, request.asked_by, certificate, datetime.now(UTC)) is None:
            raise Conflict(
                f"{request.asked_by} has no valid certificate of the course {certificate}, which this "
                "dataset asks for.",
                code="requester_not_trained",
                remedy="Ask them to take the course's test, which takes minutes, and approve then.",
                zh=f"{request.asked_by} 没有课程 {certificate} 的有效证书，而该数据集要求持有证书。",
                remedy_zh="请其先通过课程测试（只需几分钟），然后再批准。",
            )
        if terms_epsilon > request.epsilon:
            raise InvalidInput(
                f"The team asked for epsilon {request.epsilon.normalize():f}; more cannot be given.",
                remedy="Approve as much or less, or let them ask again.",
                zh=f"团队申报的 epsilon 是 {request.epsilon.normalize():f}，不能批得更多。",
                remedy_zh="请批准同样或更少，或让他们重新申报。",
            )
        tx.execute(
            update(requests)
            .where(requests.c.id == request_id)
            .values(
                status=RequestStatus.APPROVED.value, decided_by=officer.id, decided_at=func.now(), note=note
            )
        )
        row = tx.execute(
            insert(grants)
            .values(
                request=request_id,
                dataset=request.dataset,
                department=request.department,
                team=request.team,
                purpose=request.purpose,
                epsilon=terms_epsilon,
                until=terms_until,
                status=GrantStatus.LIVE.value,
                approved_by=officer.id,
                certificate=certificate,
            )
            .returning(grants)
        ).one()
        if certificate:
            _ask_of_all(tx, row, certificate)
        grant = as_grant(row)
        _give(tx, grant, version)
        append(
            tx,
            Event(
                "grant.approved",
                officer.id,
                f"grant:{row.id}",
                {
                    "request": request_id,
                    "dataset": request.dataset,
                    "team": request.team,
                    "epsilon": str(terms_epsilon),
                    "until": terms_until.isoformat(),
                    "note": note,
                    "changed": terms_epsilon != request.epsilon or terms_until != request.until,
                },
            ),
            to=[notices.team(request.team)],
        )
    return grant


def _ask_of_all(tx: Transaction, approved: Row[Any], certificate: str) -> None:
    """The team's grants on a dataset share an account: what was approved for people with a certificate could
    else be spent through an older grant without one."""
    same = (grants.c.team == approved.team, grants.c.dataset == approved.dataset)
    live = grants.c.status == GrantStatus.LIVE.value
    tx.execute(update(grants).where(*same, live).values(certificate=certificate))


def _give(tx: Transaction, grant: Grant, version: Version) -> None:
    """Hold the grant's share of the dataset's and the population's budget.
    Raises `Conflict` where so much cannot be promised."""
    policy, budget = version.policy, version.policy.budget
    assert budget is not None, "check_terms needs one"
    picorho = budget.limit(Fraction(grant.epsilon)).picorho
    try:
        share = give_share(
            tx,
            grant.account,
            dataset=policy.dataset,
            population=policy.population,
            picorho=picorho,
        )
        given = {"picorho": picorho, "delta_units": share.limit.delta_units}
        tx.execute(update(grants).where(grants.c.id == grant.id).values(given))
    except ShareTooLarge as short:
        asked, most = (
            f"{grant.epsilon.normalize():f}",
            f"{epsilon_within(short.left, budget.delta).normalize():f}",
        )
        level, level_zh = (
            short.level.level.value,
            {Level.DATASET: "数据集", Level.POPULATION: "人群"}[short.level.level],
        )
        raise Conflict(
            f"The budget of the {level} {short.level.key} cannot promise epsilon {asked} to this team: "
            f"what other grants hold or have spent leaves epsilon {most}.",
            code=ShareTooLarge.code,
            remedy=(
                f"Approve at most epsilon {most}, end a grant that is not needed any more, or "
                f"raise the {level}'s budget."
            ),
            zh=(
                f"{level_zh} {short.level.key} 的预算无法再向该团队许出 epsilon {asked}："
                f"除去其他授权所持有和已花费的，至多还能许出 epsilon {most}。"
            ),
            remedy_zh=f"请至多批准 epsilon {most}，或终止不再需要的授权，或提高该{level_zh}的预算。",
        ) from None


def refuse(database: Database, *, gate: Gate, officer: Principal, request_id: int, reason: str) -> Request:
    """Refuse a request; the reason is shown to the team."""
    _need_reason(reason)
    with database.transaction() as tx:
        request = _undecided(tx, gate, officer, request_id)
        row = tx.execute(
            update(requests)
            .where(requests.c.id == request_id)
            .values(
                status=RequestStatus.REFUSED.value,
                decided_by=officer.id,
                decided_at=func.now(),
                note=reason.strip(),
            )
            .returning(requests)
        ).one()
        refused = Event("request.refused", officer.id, f"request:{request_id}", {"reason": reason.strip()})
        append(tx, refused, to=[notices.team(request.team)])
    return as_request(row)


def revoke(database: Database, *, gate: Gate, officer: Principal, grant_id: int, reason: str) -> Grant:
    """End a live grant now: the next question of any running kernel is refused."""
    _need_reason(reason)
    with database.transaction() as tx:
        grant = load_grant(tx, grant_id, lock=True)
        with hidden_from_strangers(no_grant(grant_id), seen=may_know(officer, grant)):
            gate.require(
                officer,
                "revoke",
                Resource(
                    "Grant",
                    str(grant.id),
                    {"department": grant.department, "team": grant.team, "status": grant.status.value},
                ),
            )
        if grant.status is not GrantStatus.LIVE:
            raise Conflict(f"Grant {grant_id} is {grant.status.value} already.")
        return _end(tx, grant_id, GrantStatus.REVOKED, officer.id, reason.strip())


def expire_due(database: Database) -> list[Grant]:
    """Mark the grants whose end has come, and let their shares go.
    (A question asks the date itself; this keeps the record.)

    Each in a transaction of its own: accounts are locked by level, which several at once would not keep.
    """
    due = (grants.c.status == GrantStatus.LIVE.value, grants.c.until <= datetime.now(UTC))
    with database.transaction() as tx:
        found = list(tx.execute(select(grants.c.id).where(*due).order_by(grants.c.id)).scalars())
    ended = []
    for id in found:
        with database.transaction() as tx:
            if tx.execute(select(grants.c.id).where(grants.c.id == id, *due).with_for_update()).first():
                ended.append(_end(tx, id, GrantStatus.EXPIRED, "vault", "its end has come"))
    return ended


def _end(tx: Transaction, id: int, status: GrantStatus, by: str, reason: str) -> Grant:
    row = tx.execute(
        update(grants)
        .where(grants.c.id == id)
        .values(status=status.value, ended_by=by, ended_at=func.now(), reason=reason)
        .returning(grants)
    ).one()
    ended = as_grant(row)
    # before the others are looked at: two that end at once must not each take the other for live
    lock(tx, ended.account)
    others = tx.execute(
        select(grants).where(
            grants.c.team == ended.team,
            grants.c.dataset == ended.dataset,
            grants.c.status == GrantStatus.LIVE.value,
        )
    )
    held = [other for other in others if as_grant(other).account == ended.account]
    if not held:
        let_go(tx, ended.account)
    elif all(other.picorho is not None for other in held):  # what this grant alone allowed ends with it
        rho, delta = max(other.picorho for other in held), max(other.delta_units for other in held)
        lower_share(tx, ended.account, PrivacyLoss(int(rho), int(delta)))
    append(
        tx,
        Event(f"grant.{status.value}", by, f"grant:{id}", {"reason": reason}),
        to=[notices.team(ended.team)],
    )
    return ended


def warn_of_ends(database: Database, *, now: datetime | None = None) -> int:
    """Tell the teams whose grants end within `WARNED_BEFORE`, once for each end. Gives how many there are."""
    now = now or datetime.now(UTC)
    soon = (
        grants.c.status == GrantStatus.LIVE.value,
        grants.c.until > now,
        grants.c.until <= now + WARNED_BEFORE,
        # one that was given for so short a time ends soon from its first day
        grants.c.approved_at <= grants.c.until - WARNED_BEFORE,
    )
    with database.transaction() as tx:
        ending = [as_grant(row) for row in tx.execute(select(grants).where(*soon).order_by(grants.c.id))]
        for grant in ending:
            notices.tell(
                tx,
                id=f"grant.expiring:{grant.id}:{grant.until.isoformat()}",
                event="grant.expiring",
                about=f"grant:{grant.id}",
                actor="vault",
                to=[notices.team(grant.team)],
            )
    return len(ending)


def _undecided(tx: Transaction, gate: Gate, officer: Principal, id: int) -> Request:
    request = load_request(tx, id, lock=True)
    with hidden_from_strangers(no_request(id), seen=may_know(officer, request)):
        gate.require(
            officer,
            "decide_request",
            Resource("Request", str(request.id), {"department": request.department, "team": request.team}),
        )
    if request.status is not RequestStatus.ASKED:
        raise Conflict(f"Request {id} was {request.status.value} by {request.decided_by}.")
    return request


def _need_reason(reason: str) -> None:
    if len(reason.strip()) < 4:
        raise InvalidInput(
            "A refusal needs a reason.",
            remedy="Say in a sentence why, so that the team can remedy it.",
            zh="拒绝须有理由。",
            remedy_zh="请用一句话说明，以便团队改正。",
        )
