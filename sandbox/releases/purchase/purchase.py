"""Buys a fact that questions need before they can be asked, as a question of its own, by the same steps as
any other.

Values of keys (select_partitions.py) and bounds of columns (estimate_bounds.py) are bought so. They are
charged and logged before data is touched, disclosed at a moment that public facts give, kept for ever, and
public from then on.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, update

from sandbox.audit import Event, append
from sandbox.budgets import reserve, settle
from sandbox.database import Transaction
from sandbox.identity import Principal
from sandbox.privacy import PrivacyLoss, epsilon_told
from sandbox.queries.plan.partition_selection import PartitionSelection
from sandbox.queries.types.scope import BoundsEstimation
from sandbox.releases.answer_sha256 import answer_sha256
from sandbox.releases.context import AskContext
from sandbox.releases.failure import failed
from sandbox.releases.prepare import Prepared, confirm
from sandbox.releases.response_time import allowance_for_keys, limit_seconds, until_due
from sandbox.releases.tables import questions


@dataclass(frozen=True)
class Purchase:
    """What is bought: `sql` for people, `said` for the log, `found` for what may be released of the exact
    numbers, `keep` for where to store it."""

    of: PartitionSelection | BoundsEstimation
    digest: str
    sql: str
    loss: PrivacyLoss
    said: dict[str, Any]
    found: Callable[[Any], dict[str, Any]]
    keep: Callable[[Transaction, dict[str, Any]], None]


def buy(context: AskContext, principal: Principal, prepared: Prepared, purchase: Purchase) -> None:
    """Raises `BudgetExhausted`, `Forbidden` before data is touched;
    `Unavailable` with code "query_failed" after."""
    id, version, grant = uuid4(), prepared.version, prepared.grant
    price = {"picorho": purchase.loss.picorho, "delta_units": purchase.loss.delta_units}
    about = {"dataset": version.name, "grant": grant.id, "digest": purchase.digest, **price}
    allowance = allowance_for_keys(prepared.plan, purchase.of)
    with context.engine.place():  # before anything is charged
        with context.database.transaction() as tx:
            confirm(tx, context, principal, prepared)
            # of this dataset alone, whatever is joined
            reserve(
                tx,
                id=id,
                grant=grant.account.key,
                dataset=version.dataset,
                population=version.policy.population,
                loss=purchase.loss,
                stated_at=prepared.charged["stated_at"],
                prepared_for=[version.split],
            )
            tx.execute(
                insert(questions).values(
                    id=id,
                    digest=purchase.digest,
                    version=version.name,
                    grant=grant.id,
                    asked_by=principal.id,
                    picorho=purchase.loss.picorho,
                    sql=purchase.sql,
                    status="asked",
                )
            )
            append(tx, Event("query.asked", principal.id, f"question:{id}", {**about, **purchase.said}))
        try:
            context.engine.warm(version)
            # a key of its own, which nobody outside this call ever sees: who asks cannot foresee which
            # values of a unit count
            choice = secrets.token_hex(32)
            with until_due(allowance, load=context.engine.load()):
                found = purchase.found(
                    context.engine.units_by_value(
                        purchase.of,
                        version,
                        seconds=limit_seconds(allowance),
                        computing_seconds=4 * allowance,
                        choice=choice,
                    )
                )
            assert version.policy.budget is not None
            delta = version.policy.budget.delta
            answer = {
                "answer_id": str(id),
                "dataset": version.dataset,
                "version": version.number,
                "grant": grant.id,
                "sql": purchase.sql,
                "answered_at": datetime.now(UTC).isoformat(),
                "stored": False,
                **found,
                "price": {
                    **price,
                    "epsilon": epsilon_told(purchase.loss, delta),
                    "delta": float(delta),
                },
            }
            with context.database.transaction() as tx:
                confirm(tx, context, principal, prepared)  # as in ask.py
                purchase.keep(tx, found)
                settle(tx, id=id)
                tx.execute(
                    update(questions).where(questions.c.id == id).values(status="released", answer=answer)
                )
                index = append(
                    tx,
                    Event(
                        "query.released",
                        principal.id,
                        f"question:{id}",
                        {**about, "answer_sha256": answer_sha256(answer)},
                    ),
                )
                tx.execute(update(questions).where(questions.c.id == id).values(log_index=index))
        except Exception as failure:  # noqa: BLE001  # as in ask.py: all failures after data was touched look the same
            raise failed(context.database, principal, id, failure) from None
