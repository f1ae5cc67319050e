"""Answers a question: the DP gate's seven steps, in their order, each where a crash cannot undo it.

1 parse, 2 decide, 3 plan, 4 price (prepare.py, no data touched) -> 5 reserve the loss and log
`query.asked`, in one transaction -> 6 compute whole numbers, add noise -> 7 store, settle and log
`query.released`, in one transaction. A failure or a crash after 5 leaves the loss spent, and every failure
after data was touched looks the same.
"""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, update

from sandbox.audit import Event, append
from sandbox.budgets import reserve, settle, statement
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, Conflict, QueryRefused
from sandbox.grants.read import LARGEST_NUMBER
from sandbox.identity import Principal
from sandbox.policy import Refused, log_refusal
from sandbox.privacy import ZERO, PrivacyLoss, epsilon_told, percent_told
from sandbox.queries.plan.price import MeasurementPrice
from sandbox.releases.answer.answer_table import table
from sandbox.releases.answer_sha256 import answer_sha256
from sandbox.releases.context import AskContext
from sandbox.releases.failure import failed
from sandbox.releases.noise import add_noise
from sandbox.releases.notes import notes
from sandbox.releases.open_data import answer_openly, open_versions
from sandbox.releases.prepare import Prepared, Released, already_released, charge, confirm, prepare
from sandbox.releases.purchase.estimate_bounds import find_bounds
from sandbox.releases.purchase.select_partitions import find_keys
from sandbox.releases.response_time import allowance_seconds, computing_seconds, limit_seconds, until_due
from sandbox.releases.tables import questions, released_totals


def ask(
    context: AskContext,
    *,
    principal: Principal,
    sql: str,
    epsilon: Fraction | None = None,
    error: float | None = None,
    grant_id: int | None = None,
    of: frozenset[str] | None = None,
) -> dict[str, Any]:
    """Ask a question; returns the answer as JSON (answer/answer_table.py), with its place in the log.

    `epsilon` is the question's own, at the dataset's delta (the policy's default if None); `error` asks for
    as much as gives every output that relative error (predict.py). `of`: the versions whose price was shown;
    no others are asked. Raises `QueryRefused`, `Forbidden`, `BudgetExhausted`, `Conflict` (other versions)
    before data is touched; `Unavailable` with code "query_failed" after.
    """

    def prepared_now() -> Prepared:
        found = prepare(
            context, principal=principal, sql=sql, epsilon=epsilon, error=error, grant_id=grant_id
        )
        if of is not None and found.versions != of:
            raise Conflict(
                "A newer version was published after the price was shown.",
                code="price_changed",
                remedy="Look at the price again.",
                zh="显示价格之后又发布了新版本。",
                remedy_zh="请重新核对价格。",
            )
        return found

    try:
        if versions := open_versions(sql, version_of=context.repository.usable):
            return answer_openly(context, principal=principal, sql=sql, versions=versions)
        prepared = prepared_now()
        for_keys = ZERO
        if prepared.plan.scope.unbought:
            for_keys += find_bounds(context, principal, prepared)
            prepared = prepared_now()
        if prepared.plan.unknown:
            for_keys += find_keys(context, principal, prepared)
            prepared = prepared_now()
    except (QueryRefused, Refused) as refusal:
        _log_refusal(context.database, principal, refusal, grant_id)
        raise
    try:
        with context.database.lock(f"question:{prepared.digest}"):
            with context.database.transaction() as tx:
                released = already_released(tx, prepared)
            missing = [share for share in prepared.price.shares if share.total.name not in released]
            if not missing:
                return _release(context, principal, uuid4(), prepared, released, {}, for_keys, stored=True)
            return _buy(context, principal, prepared, released, missing, for_keys)
    except Refused as refusal:  # the grant ended while the question waited for its lock
        _log_refusal(context.database, principal, refusal, grant_id)
        raise


def _buy(
    context: AskContext,
    principal: Principal,
    prepared: Prepared,
    released: dict[str, Released],
    missing: list[MeasurementPrice],
    for_keys: PrivacyLoss,
) -> dict[str, Any]:
    allowance = allowance_seconds(prepared.plan)
    with context.engine.place():  # before anything is charged: on a machine that is too busy nothing is
        id = _reserve(context, principal, prepared, charge(prepared, released))
        try:
            # rows are loaded for the first caller, and for no question in particular
            context.engine.warm(
                prepared.version, *(joined.version for joined in prepared.plan.scope.joined.values())
            )
            # waiting for a place and the load depend on others' questions, computing on these rows
            with until_due(allowance, load=context.engine.load()):
                exact = context.engine.totals(
                    prepared.plan,
                    seconds=limit_seconds(allowance),
                    computing_seconds=computing_seconds(prepared.plan),
                )
                noisy = {
                    share.total.name: Released(
                        share.loss.picorho, share.scale, add_noise(share, exact[share.total])
                    )
                    for share in missing
                }
            return _release(context, principal, id, prepared, released, noisy, for_keys, stored=False)
        except Exception as failure:  # noqa: BLE001  # a failure of any kind must look like every other
            raise failed(context.database, principal, id, failure) from None


def _reserve(context: AskContext, principal: Principal, prepared: Prepared, loss: PrivacyLoss) -> UUID:
    """Step 5: charge at all three levels and log the question, or neither."""
    id, version, grant = uuid4(), prepared.version, prepared.grant
    with context.database.transaction() as tx:
        confirm(tx, context, principal, prepared)
        reserve(tx, id=id, **prepared.charged, loss=loss, prepared_for=prepared.splits)
        tx.execute(
            insert(questions).values(
                id=id,
                digest=prepared.digest,
                version=version.name,
                grant=grant.id,
                joined_grants=_others(prepared),
                asked_by=principal.id,
                sql=prepared.sql,
                picorho=loss.picorho,
                **_asked_with(prepared),
                status="asked",
            )
        )
        append(
            tx,
            Event(
                "query.asked",
                principal.id,
                f"question:{id}",
                {
                    "dataset": version.name,
                    "grant": grant.id,
                    **_joined(prepared),
                    "digest": prepared.digest,
                    "picorho": loss.picorho,
                    "sql_sha256": hashlib.sha256(prepared.sql.encode()).hexdigest(),
                    "totals": [
                        {
                            "total": share.total.name,
                            "sensitivity": share.total.sensitivity,
                            "picorho": share.loss.picorho,
                            "scale": repr(share.scale),
                        }
                        for share in prepared.price.shares
                    ],
                },
            ),
        )
    return id


def _release(
    context: AskContext,
    principal: Principal,
    id: UUID,
    prepared: Prepared,
    released: dict[str, Released],
    noisy: dict[str, Released],
    for_keys: PrivacyLoss,
    *,
    stored: bool,
) -> dict[str, Any]:
    """Step 7: store the answer, settle, log. The log entry commits to the answer's hash.

    `for_keys` was paid for the values of its keys and bounds of its columns, by questions of their own: the
    answer tells it in its price.
    """
    at = datetime.now(UTC)
    loss = PrivacyLoss(sum(part.picorho for part in noisy.values()))
    all_totals = {name: (part.scale, part.cells) for name, part in (released | noisy).items()}
    version, grant = prepared.version, prepared.grant
    with context.database.transaction() as tx:
        confirm(tx, context, principal, prepared)  # the grant may have ended while the question ran
        for name, part in noisy.items():
            tx.execute(
                insert(released_totals).values(
                    digest=prepared.digest,
                    total=name,
                    picorho=part.picorho,
                    scale=part.scale,
                    cells=part.cells,
                )
            )
        settle(tx, id=id)
        told = table(prepared.plan, all_totals, prepared.bias)
        answer = {
            "answer_id": str(id),
            "dataset": version.dataset,
            "version": version.number,
            "grant": grant.id,
            **_joined(prepared),
            "sql": prepared.sql,
            "answered_at": at.isoformat(),
            "stored": stored and for_keys == ZERO,
            **told,
            "price": _price(tx, prepared, loss + for_keys),
            **notes(prepared, told),
        }
        body = {"status": "released", "answer": answer}
        if stored:
            tx.execute(
                insert(questions).values(
                    id=id,
                    digest=prepared.digest,
                    version=version.name,
                    grant=grant.id,
                    joined_grants=_others(prepared),
                    asked_by=principal.id,
                    sql=prepared.sql,
                    picorho=0,
                    **_asked_with(prepared),
                    **body,
                )
            )
        else:
            tx.execute(update(questions).where(questions.c.id == id).values(**body))
        index = append(
            tx,
            Event(
                "query.released",
                principal.id,
                f"question:{id}",
                {
                    "dataset": version.name,
                    "grant": grant.id,
                    **_joined(prepared),
                    "digest": prepared.digest,
                    "picorho": loss.picorho,
                    "stored": stored,
                    "answer_sha256": answer_sha256(answer),
                },
            ),
        )
        # the log's own number comes last, because appending must be a transaction's last wait
        tx.execute(update(questions).where(questions.c.id == id).values(log_index=index))
    return answer | {"log_index": index}


def _others(prepared: Prepared) -> list[int]:
    return [grant.id for grant in prepared.grants[1:]]


def _asked_with(prepared: Prepared) -> dict[str, Any]:
    """The epsilon that was offered, exactly, or the error that was asked for: to ask the same again."""
    epsilon = prepared.epsilon
    return {
        "epsilon": None
        if epsilon is None
        else str(Decimal(epsilon.numerator) / Decimal(epsilon.denominator)),
        "error": prepared.error,
    }


def _joined(prepared: Prepared) -> dict[str, Any]:
    """The private datasets that are joined, each with its grant; nothing where there are none."""
    said = {
        version.name: grant
        for version, grant in zip(prepared.plan.scope.private, _others(prepared), strict=True)
    }
    return {"joined": said} if said else {}


def _price(tx: Transaction, prepared: Prepared, loss: PrivacyLoss) -> dict[str, Any]:
    budget = prepared.version.policy.budget
    assert budget is not None
    account = statement(tx, prepared.grant.account)
    return {
        "picorho": loss.picorho,
        "rho": float(loss.rho),
        "epsilon": epsilon_told(loss, budget.delta),
        "delta": float(budget.delta),
        "percent_of_grant": percent_told(loss.picorho, account.limit.picorho)
        if account.limit.picorho
        else 0.0,
        "grant_percent_used": account.percent_used,
    }


def _log_refusal(database: Database, principal: Principal, refusal: CihuError, grant_id: int | None) -> None:
    """`grant_id`: the grant that was named, whether there is one with this number or not."""
    named = {} if grant_id is None or not 0 < grant_id <= LARGEST_NUMBER else {"grant": grant_id}
    if isinstance(refusal, Refused):
        log_refusal(database, refusal)
        return
    with database.transaction() as tx:
        append(
            tx,
            Event("query.refused", principal.id, f"account:{principal.id}", {"code": refusal.code, **named}),
        )
