"""Settles a held call: its answer came, and how to hand out the same again is kept."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from marketplace.licences.find import lock_licence
from marketplace.metering.credit import LineName, find_line, is_credited
from marketplace.metering.model import Outcome
from sandbox.database import Database

SETTLE_LINE = text(
    "UPDATE market.usage_lines SET outcome = :outcome, rows = :rows WHERE month = :month AND id = :id"
)
SETTLE_REQUEST = text(
    "UPDATE market.requests SET state = CASE state WHEN 'held' THEN 'answered' ELSE state END, "
    "reference = CAST(:reference AS jsonb) WHERE licence = :licence AND usage = :id AND state <> 'credited'"
)


def settle_held(database: Database, name: LineName, *, reference: Mapping[str, Any], rows: int) -> bool:
    """Write that the call was answered. False: it was credited in the meantime (by a retry that failed), so
    it must be metered again before anything is handed out."""
    with database.transaction() as tx:
        lock_licence(tx, name.licence)
        if find_line(tx, name) is None or is_credited(tx, name):
            return False
        outcome = Outcome.ANSWERED if rows else Outcome.EMPTY
        at = {"id": name.id, "month": name.month, "licence": name.licence}
        tx.execute(SETTLE_LINE, {**at, "outcome": outcome, "rows": rows})
        tx.execute(SETTLE_REQUEST, {**at, "reference": json.dumps(dict(reference))})
    return True
