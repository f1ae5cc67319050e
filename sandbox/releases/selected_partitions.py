"""Reads the values of a question's keys that were bought before.
They are bought once and serve every question on that version."""

from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import select

from sandbox.catalog.model import KeyValue, Type
from sandbox.database import Transaction
from sandbox.queries import digests_of_keys
from sandbox.queries.plan.partition_selection import PartitionSelection
from sandbox.queries.plan.plan import Plan
from sandbox.queries.tree import Expression
from sandbox.queries.types.value_ranges import range_of
from sandbox.releases.tables import found_keys

Found = dict[Expression, tuple[KeyValue, ...]]
READ: dict[Type, Callable[[str], KeyValue]] = {
    Type.DATE: date.fromisoformat,
    Type.TIMESTAMP: datetime.fromisoformat,
}


def keys_found(tx: Transaction, plan: Plan, least: dict[PartitionSelection, int] | None = None) -> Found:
    """The values of those keys that were found at a loss of at least this number of picorho (any,
    if `least` is None).

    Of several the least precise that is enough: whoever asked at that offer before finds the same groups
    again. Each purchase is more precise than all before it, so which one that is never changes.
    """
    found: Found = {}
    for discovery in plan.discoveries:
        rows = tx.execute(
            select(found_keys)
            .where(found_keys.c.digest.in_(digests_of_keys(discovery, plan.version)))
            .order_by(found_keys.c.picorho)
        ).all()
        enough = rows[-1:] if least is None else [row for row in rows if row.picorho >= least[discovery]]
        if enough:
            read = READ.get(range_of(discovery.of, plan.scope).type)
            found[discovery.of] = tuple(read(value) if read else value for value in enough[0].values)
    return found
