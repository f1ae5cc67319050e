"""Refreshes derived datasets by their schedule: newer versions of what they read are taken, and the result is
published.

It is what whoever proposed the derivation could do by hand, and nothing more: where the policies of what is
read changed, or a run failed, it rests until officers agree anew.
"""

import logging
from datetime import UTC, datetime

from sqlalchemy import select, update

from sandbox.catalog.notice import PublishersWord
from sandbox.derivations.context import DerivationContext
from sandbox.derivations.derivations import refresh
from sandbox.derivations.run import run
from sandbox.derivations.tables import derivations
from sandbox.errors import CihuError, Conflict
from sandbox.identity import load_principal
from sandbox.operations.maintenance import maintenance_at
from sandbox.pulls.cron import read_cron

log = logging.getLogger("cihu.derivations")


def run_due(context: DerivationContext, *, now: datetime | None = None) -> int:
    """Refresh and run what is due, one after the other; returns how many became a version. A time that was
    missed is not made up for, and what failed comes again at its next time."""
    return sum(_run(context, dataset, officer) for dataset, officer in _take_due(context, now))


def _take_due(context: DerivationContext, now: datetime | None) -> list[tuple[str, str]]:
    """The derivations that are due, each with whoever answers for it. Their next time is set. None during
    maintenance: they are due after it."""
    now = now or datetime.now(UTC)
    due = (derivations.c.next_due <= now, derivations.c.state.in_(("agreed", "published")))
    with context.database.transaction() as tx:
        if maintenance_at(tx, now) is not None:
            return []
        chosen = select(derivations).where(*due).order_by(derivations.c.dataset)
        rows = list(tx.execute(chosen.with_for_update(skip_locked=True)))
        for row in rows:
            next_due = read_cron(row.cron).after(now)
            this = derivations.c.dataset == row.dataset
            tx.execute(update(derivations).where(this).values(next_due=next_due))
    return [(row.dataset, row.set_by) for row in rows]


def _run(context: DerivationContext, dataset: str, account: str) -> bool:
    try:
        with context.database.transaction() as tx:
            officer = load_principal(tx, account)
        try:
            refresh(context, officer, dataset)
        except Conflict as refused:
            if refused.code != "nothing_newer":
                raise
        run(context, officer, dataset, word=PublishersWord())
    except CihuError as refused:
        if refused.code != "derived_already":
            log.warning("the derivation of %s was not refreshed: %s", dataset, refused.code)
        return False
    return True
