"""How does an officer decide a request, and end a grant? Each with its reason, its budget and its log entry at once."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import func, insert, update

from sandbox.audit import Event, append
from sandbox.budgets import raise_limit
from sandbox.catalog import Version
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.grants.model import Grant, GrantStatus, Request, RequestStatus
from sandbox.grants.read import as_grant, as_request, load_grant, load_request, may_know, no_grant, no_request
from sandbox.grants.request_access import check_terms
from sandbox.grants.tables import grants, requests
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def approve(database: Database, *, gate: Gate, officer: Principal, request_id: int, version: Version,
            epsilon: Decimal | None = None, until: datetime | None = None, note: str = "") -> Grant:
    """Approve a request, as asked or with a smaller budget or another end; the grant's budget opens with it."""
    with database.transaction() as tx:
        request = _undecided(tx, gate, officer, request_id)
        terms_epsilon, terms_until = epsilon or request.epsilon, until or request.until
        check_terms(version, terms_epsilon, terms_until)
        if terms_epsilon > request.epsilon:
            raise InvalidInput(f"The team asked for epsilon {request.epsilon.normalize():f}; more cannot be given.",
                               mend="Approve as much or less, or let them ask again.",
                               zh=f"团队申请的 epsilon 是 {request.epsilon.normalize():f},不能批得更多。",
                               mend_zh="请批准同样或更少,或让他们重新申请。")
        tx.execute(update(requests).where(requests.c.id == request_id).values(
            status=RequestStatus.APPROVED.value, decided_by=officer.id, decided_at=func.now(), note=note))
        row = tx.execute(insert(grants).values(
            request=request_id, dataset=request.dataset, department=request.department, team=request.team,
            purpose=request.purpose, epsilon=terms_epsilon, until=terms_until, status=GrantStatus.LIVE.value,
            approved_by=officer.id).returning(grants)).one()
        budget = version.policy.budget
        assert budget is not None, "check_terms needs one"
        grant = as_grant(row)
        raise_limit(tx, grant.account, budget.limit(Fraction(terms_epsilon)))
        append(tx, Event("grant.approved", officer.id, f"grant:{row.id}", {
            "request": request_id, "dataset": request.dataset, "team": request.team, "epsilon": str(terms_epsilon),
            "until": terms_until.isoformat(), "note": note,
            "changed": terms_epsilon != request.epsilon or terms_until != request.until}))
    return grant


def refuse(database: Database, *, gate: Gate, officer: Principal, request_id: int, reason: str) -> Request:
    """Refuse a request; the reason is shown to the team."""
    _need_reason(reason)
    with database.transaction() as tx:
        _undecided(tx, gate, officer, request_id)
        row = tx.execute(update(requests).where(requests.c.id == request_id).values(
            status=RequestStatus.REFUSED.value, decided_by=officer.id, decided_at=func.now(),
            note=reason.strip()).returning(requests)).one()
        append(tx, Event("request.refused", officer.id, f"request:{request_id}", {"reason": reason.strip()}))
    return as_request(row)


def revoke(database: Database, *, gate: Gate, officer: Principal, grant_id: int, reason: str) -> Grant:
    """End a live grant now: the next question of any running kernel is refused."""
    _need_reason(reason)
    with database.transaction() as tx:
        grant = load_grant(tx, grant_id, lock=True)
        with hidden_from_strangers(no_grant(grant_id), seen=may_know(officer, grant)):
            gate.require(officer, "revoke", Resource("Grant", str(grant.id), {
                "department": grant.department, "team": grant.team, "status": grant.status.value}))
        if grant.status is not GrantStatus.LIVE:
            raise Conflict(f"Grant {grant_id} is {grant.status.value} already.")
        return _end(tx, grant_id, GrantStatus.REVOKED, officer.id, reason.strip())


def expire_due(database: Database) -> list[Grant]:
    """Mark the grants whose end has come. (A question asks the date itself; this keeps the record.)"""
    with database.transaction() as tx:
        due = [row.id for row in tx.execute(
            grants.select().where(grants.c.status == "live", grants.c.until <= datetime.now(UTC)).with_for_update())]
        return [_end(tx, id, GrantStatus.EXPIRED, "vault", "its end has come") for id in due]


def _end(tx: Transaction, id: int, status: GrantStatus, by: str, reason: str) -> Grant:
    row = tx.execute(update(grants).where(grants.c.id == id).values(
        status=status.value, ended_by=by, ended_at=func.now(), reason=reason).returning(grants)).one()
    append(tx, Event(f"grant.{status.value}", by, f"grant:{id}", {"reason": reason}))
    return as_grant(row)


def _undecided(tx: Transaction, gate: Gate, officer: Principal, id: int) -> Request:
    request = load_request(tx, id, lock=True)
    with hidden_from_strangers(no_request(id), seen=may_know(officer, request)):
        gate.require(officer, "decide_request", Resource("Request", str(request.id), {
            "department": request.department, "team": request.team}))
    if request.status is not RequestStatus.ASKED:
        raise Conflict(f"Request {id} was {request.status.value} by {request.decided_by}.")
    return request


def _need_reason(reason: str) -> None:
    if len(reason.strip()) < 4:
        raise InvalidInput("A refusal needs a reason.", mend="Say in a sentence why, so that the team can mend it.",
                           zh="拒绝须有理由。", mend_zh="请用一句话说明,以便团队改正。")
