"""Credits what a dead portal process had metered and not confirmed as sent.

What was not sent costs nothing. A worker that was not seen for a while is dead; its lines beyond its mark are
credited as UNCONFIRMED. A call with an Idempotency-Key can still be answered, by a retry: it is credited only
after a day, in which no portal that had a retry of it was seen either. What was sent in a worker's last
moments and not confirmed is credited too: that loss is ours.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, update

from marketplace.metering.credit import CREDITED_OUTCOMES, LineName, credit_lines
from marketplace.metering.model import Reason
from marketplace.metering.replays import forget_settled, open_replay
from marketplace.metering.tables import requests, usage_groups, usage_lines, workers
from sandbox.database import Database

AT_ONCE = 500
KEYED_AFTER = timedelta(days=1)
OF_REQUEST = and_(requests.c.licence == usage_lines.c.licence, requests.c.usage == usage_lines.c.id)


def credit_abandoned(
    database: Database, *, older_than: timedelta, keyed_after: timedelta = KEYED_AFTER, but_not: int = 0
) -> int:
    """Credit the unconfirmed lines of workers that were not seen for `older_than`, but of the worker
    `but_not`; how many. Each is a transaction."""
    credited, died_after = 0, max(older_than, keyed_after)
    while names := unconfirmed(database, older_than=older_than, keyed_after=keyed_after, but_not=but_not):
        before = credited
        for name in names:
            with database.transaction() as tx:
                credited += credit_lines(tx, [name], reason=Reason.UNCONFIRMED, died_after=died_after)
        if credited == before:  # another process credits them: what is left is looked at next time
            return credited
    mark_swept(database, older_than=died_after, but_not=but_not)
    return credited


def unconfirmed(
    database: Database, *, older_than: timedelta, keyed_after: timedelta, but_not: int
) -> list[LineName]:
    """Lines of dead workers that were not sent for certain. A retry that was answered confirms its line, and
    one that may be answered keeps it open."""
    now = func.clock_timestamp()
    open_still = open_replay(usage_lines.c.id, died_after=max(older_than, keyed_after))
    wanted = (
        select(usage_lines.c.licence, usage_lines.c.month, usage_lines.c.id)
        .join(usage_groups, usage_groups.c.id == usage_lines.c.group_id)
        .join(workers, workers.c.id == usage_groups.c.worker)
        .where(
            workers.c.swept_at.is_(None),
            workers.c.seen_at < now - older_than,
            workers.c.id != but_not,
            unsent(),
            not_(open_still),
            or_(not_(exists().where(OF_REQUEST)), workers.c.seen_at < now - keyed_after),
        )
        .order_by(usage_lines.c.licence)
        .limit(AT_ONCE)
    )
    with database.transaction() as tx:
        return [LineName(*row) for row in tx.execute(wanted)]


def unsent() -> ColumnElement[bool]:
    """Whether a worker's line was neither confirmed as sent, by itself or by a retry, nor credited."""
    credit = usage_lines.alias("credit")
    return and_(
        usage_groups.c.last_sequence > workers.c.confirmed,
        usage_lines.c.outcome.in_(CREDITED_OUTCOMES),  # a day's sample stays, whoever died
        usage_lines.c.sequence > workers.c.confirmed,
        not_(workers.c.ahead.contains(usage_lines.c.sequence)),
        not_(exists().where(OF_REQUEST, requests.c.state == "confirmed")),
        not_(exists().where(credit.c.month == usage_lines.c.month, credit.c.compensates == usage_lines.c.id)),
    )


def lines_of_worker(database: Database, worker: int, numbers: Sequence[int]) -> dict[int, LineName]:
    """The lines of these numbers of a worker's, as far as they were written."""
    wanted = (
        select(usage_lines.c.sequence, usage_lines.c.licence, usage_lines.c.month, usage_lines.c.id)
        .join(usage_groups, usage_groups.c.id == usage_lines.c.group_id)
        .where(
            usage_groups.c.worker == worker,
            usage_groups.c.last_sequence >= min(numbers),
            usage_lines.c.sequence.in_(numbers),
        )
    )
    with database.transaction() as tx:
        return {row.sequence: LineName(row.licence, row.month, row.id) for row in tx.execute(wanted)}


def mark_swept(database: Database, *, older_than: timedelta, but_not: int) -> None:
    """Workers of which nothing is left to be credited are not looked at again."""
    left = (
        select(1)
        .select_from(usage_groups)
        .join(usage_lines, usage_lines.c.group_id == usage_groups.c.id)
        .where(usage_groups.c.worker == workers.c.id, unsent())
        .correlate(workers)
    )
    with database.transaction() as tx:
        tx.execute(
            update(workers)
            .where(
                workers.c.swept_at.is_(None),
                workers.c.seen_at < func.clock_timestamp() - older_than,
                workers.c.id != but_not,
                not_(exists(left)),
            )
            .values(swept_at=func.clock_timestamp())
        )
        forget_settled(tx)
