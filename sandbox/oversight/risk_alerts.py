"""Tells officers and auditors that a threshold of the risk watch was passed: once when it is, and again only
after it fell below in between.

The vault looks every few minutes, whoever opens a page. A notice names the kind of risk and its thing. What
was counted stands on the page of the risk watch, for those who may read it.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Row, delete, insert, select, tuple_

from sandbox import notices
from sandbox.catalog.dataset_index import refresh_index
from sandbox.catalog.tables import datasets
from sandbox.chores import Chore
from sandbox.database import Transaction, try_lock_name
from sandbox.oversight.risks import RiskContext, findings, overdue_since
from sandbox.oversight.schemas import RiskFinding
from sandbox.oversight.tables import EVERYWHERE, risk_alerts

SECONDS = 300.0
TOLD_ELSEWHERE = frozenset({"overdue_review", "overdue_opening"})
"""Those who are to decide are told of these when they become overdue."""
OF_TEAMS = frozenset({"refused_attempts", "many_questions", "near_capacity"})
"""What the auditors look at beside the departments: what teams do. A population is no department's alone."""
KEY = ("scope", "kind", "department", "subject", "object")

Alert = tuple[str, str, str, str, str]
"""By what an alert is known: `KEY`."""


class RiskWatch(Chore):
    """Looks again and again, in one vault at a time."""

    def __init__(self, context: RiskContext) -> None:
        super().__init__(seconds=SECONDS, name="risk watch", log=logging.getLogger("cihu.oversight"))
        self.context = context

    def run(self) -> None:
        tell_risks(self.context)


def tell_risks(context: RiskContext, *, now: datetime | None = None) -> int:
    """Tell what is newly out of the ordinary, and forget what is so no more. Returns how many were told."""
    now = now or datetime.now(UTC)
    refresh_index(context.facts.repository)
    with context.facts.database.transaction() as tx:
        if not try_lock_name(tx, "risk watch"):
            return 0
        passed = set(_passed(tx, context, now))
        told = {_key(row) for row in tx.execute(select(risk_alerts))}
        if gone := told - passed:
            columns = tuple_(*(risk_alerts.c[name] for name in KEY))
            tx.execute(delete(risk_alerts).where(columns.in_(gone)))
        fresh = sorted(passed - told)
        for alert in fresh:
            tx.execute(insert(risk_alerts).values(**dict(zip(KEY, alert, strict=True)), raised_at=now))
            _tell(tx, alert, now)
        return len(fresh)


class Raised(NamedTuple):
    """A threshold that is passed. `due`: of a dataset whose update is overdue, since when."""

    kind: str
    subject: str
    object: str
    raised_at: datetime
    due: datetime | None


def raised(tx: Transaction, context: RiskContext, department: str) -> list[Raised]:
    """What a department was told, and was so when the watch looked last."""
    rows = tx.execute(select(risk_alerts).where(risk_alerts.c.scope == department)).all()
    late = [row.object for row in rows if row.kind == "overdue_update"]
    due = overdue_since(tx, context.facts.repository, late)
    return [
        Raised(
            row.kind,
            row.subject,
            row.object,
            row.raised_at,
            due.get(row.object) if row.kind == "overdue_update" else None,
        )
        for row in rows
    ]


def _passed(tx: Transaction, context: RiskContext, now: datetime) -> Iterator[Alert]:
    departments = tx.scalars(select(datasets.c.department).distinct().order_by(datasets.c.department)).all()
    for department, found in findings(tx, context, [*departments, None], now):
        scope = EVERYWHERE if department is None else department
        for each in found:
            if _concerns_auditors(each) if department is None else each["kind"] not in TOLD_ELSEWHERE:
                yield scope, each["kind"], each["department"], each["subject"], each["object"]


def _concerns_auditors(finding: RiskFinding) -> bool:
    return finding["kind"] in OF_TEAMS or finding["subject"].startswith("population:")


def _tell(tx: Transaction, alert: Alert, now: datetime) -> None:
    """The id has the moment: what passes again later is told again."""
    scope, kind, _, subject, _ = alert
    to = [notices.AUDITORS if scope == EVERYWHERE else notices.officers(scope)]
    notices.tell(
        tx,
        id=":".join(("risk", *alert, now.isoformat())),
        event=f"risk.{kind}",
        about=f"risk:{scope}/{subject}",
        actor="vault",
        to=to,
    )


def _key(row: Row[tuple[str, str, str, str, str, datetime]]) -> Alert:
    return row.scope, row.kind, row.department, row.subject, row.object
