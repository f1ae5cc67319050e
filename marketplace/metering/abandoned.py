"""Credits the calls that were metered and never answered, because the portal ended in between.

What was not delivered costs nothing. A call is abandoned when it is older than any that could still be
answered. Should one be answered all the same, `mark_delivered` sees the credit, and it is metered again
before anything is handed out.
"""

from datetime import timedelta

from sqlalchemy import func, select

from marketplace.metering.settle_call import credit_metered
from marketplace.metering.tables import requests
from sandbox.database import Database

AT_ONCE = 500


def credit_abandoned(database: Database, *, older_than: timedelta) -> int:
    """Credit what was metered so long ago and neither delivered nor credited;
    each in a transaction of its own. How many."""
    with database.transaction() as tx:
        left = tx.execute(
            select(requests.c.licence, requests.c.request_id, requests.c.usage)
            .where(requests.c.state == "metered", requests.c.at < func.clock_timestamp() - older_than)
            .order_by(requests.c.at)
            .limit(AT_ONCE)
        ).all()
    credited = 0
    for row in left:
        with database.transaction() as tx:
            credited += credit_metered(
                tx, licence_id=row.licence, request_id=row.request_id, usage=row.usage, why="abandoned"
            )
    return credited
